import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processTable } from '../src/macos/meter.js';
import { readRecord, RECORD } from '../src/macos/record.js';
import { reclaimMacos } from '../src/macos/reclaim.js';
import { standInTools } from '../src/macos/test/stand-in.js';
import { ChildServer } from './support/child.js';

let folder: string;
let stateDir: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ergon-macos-')));
  stateDir = join(folder, 'state');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what a server killed with -9 left under a stand-in for sandbox-exec is ended and removed by the next start', async () => {
  const tools = standInTools(folder);
  const word = `3600.${Math.floor(Math.random() * 1e9)}`;
  const script = `trap "" TERM HUP; setsid sleep ${word} & (setsid sleep ${word} &); mkdir a; chmod 000 a; echo started; sleep ${word}`;
  const server = new ChildServer('macos-server.ts', [folder, 'instance-1', script]);
  await server.hears('output');
  await server.kill();
  const running = async (): Promise<number> =>
    (await processTable(tools)).filter(({ words, zombie }) => words.includes(word) && !zombie).length;
  expect(await running()).toBeGreaterThan(0); // the control: nothing ends them by itself
  expect(await reclaimMacos('another', stateDir, tools)).toBe(0);
  expect(await running()).toBeGreaterThan(0);

  expect(await reclaimMacos('instance-1', stateDir, tools)).toBe(1);
  expect(await running()).toBe(0);
  expect(readdirSync(stateDir)).toEqual([]);
  expect(await reclaimMacos('instance-1', stateDir, tools)).toBe(0);
});

test('without a name, only what is known to have ended is removed', async () => {
  const tools = standInTools(folder);
  mkdirSync(join(stateDir, 'of-whom-nobody-knows', 'box'), { recursive: true });
  expect(await reclaimMacos(null, stateDir, tools)).toBe(0);
  expect(existsSync(join(stateDir, 'of-whom-nobody-knows', 'box'))).toBe(true);
});

test('a record that was cut off, or says something else, names no process', () => {
  const mark = 'a'.repeat(32);
  for (const text of [
    '',
    '12',
    '12\n',
    `12\nThu Feb 6\n${mark.slice(1)}\n`,
    `-1\nThu Feb 6\n${mark}\n`,
    `1\nx\n${mark}\n2`,
  ]) {
    writeFileSync(join(folder, RECORD), text);
    expect(readRecord(folder)).toBeNull();
  }
  writeFileSync(join(folder, RECORD), `12\nThu Feb 6 14:30:00 2026\n${mark}\n`);
  expect(readRecord(folder)).toEqual({ pid: 12, start: 'Thu Feb 6 14:30:00 2026', mark });
  expect(readRecord(join(folder, 'nothing'))).toBeNull();
});
