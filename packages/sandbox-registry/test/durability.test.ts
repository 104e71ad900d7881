import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { SqliteRegistry } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'registry-durability-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a real process (of the built package) had acknowledged when it was killed at a random moment of its writing. */
async function acknowledgedByKilledWriter(file: string, round: number): Promise<string[]> {
  const writer = spawn(process.execPath, [join(__dirname, 'writer.mjs'), file, `r${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(writer.stdout);
  const exit = once(writer, 'exit');
  await once(writer.stdout, 'readable');
  await delay(Math.random() * 150);
  writer.kill('SIGKILL');
  expect((await exit)[1]).toBe('SIGKILL');
  return (await output).trimEnd().split('\n');
}

test('no unit and no result that was acknowledged is lost in eight rounds of kill -9', async () => {
  const file = join(folder, 'registry.db');
  for (let round = 0; round < 8; round += 1) {
    const acknowledged = await acknowledgedByKilledWriter(file, round);
    expect(acknowledged.length).toBeGreaterThan(0);
    await using registry = new SqliteRegistry(file);
    for (const line of acknowledged) {
      const [what, id = ''] = line.split(' ');
      const stored = await registry.get(id);
      expect(stored?.unit.id).toBe(id);
      if (what === 'result') expect(stored?.testResults).toHaveLength(1);
    }
  }
});

test('a store waits for another process that is writing', async () => {
  const file = join(folder, 'shared.db');
  await using registry = new SqliteRegistry(file);
  const holder = spawn(process.execPath, [join(__dirname, 'holder.mjs'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(holder, 'exit');
  await once(holder.stdout, 'data');
  const begun = performance.now();
  const { id } = await registry.store({ type: 'solution', name: 'n', version: '1', content: {} });
  expect(performance.now() - begun).toBeGreaterThan(300);
  expect((await registry.get(id))?.unit.id).toBe(id);
  expect(await exit).toEqual([0, null]);
});
