import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What systemd says of the unit without running it; tools/vm/unit.sh runs it.
const name = 'ergon-sandbox-api.service';
const folder = mkdtempSync(join(tmpdir(), 'ergon-unit-'));
const unit = join(folder, name);

beforeAll(() => {
  const text = readFileSync(join(__dirname, '../../api/deploy', name), 'utf8');
  // systemd looks whether the program is there.
  writeFileSync(unit, text.replace('/usr/bin/node', process.execPath));
});

afterAll(() => rmSync(folder, { recursive: true }));

function analyze(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test('systemd knows every word of the unit and has nothing to complain of', () => {
  expect(analyze('verify', unit)).toEqual({ status: 0, output: '' });
});

test('it would complain of a word that it does not know', () => {
  const wrong = join(folder, 'wrong.service');
  writeFileSync(wrong, readFileSync(unit, 'utf8').replace('ProtectHome=', 'ProtectHouse='));
  expect(analyze('verify', wrong).output).toContain('ProtectHouse');
});

test('it is not started again for a setting that is wrong, which the server tells by its status', () => {
  expect(readFileSync(unit, 'utf8')).toMatch(/^Restart=on-failure\n(#.*\n)?RestartPreventExitStatus=78$/m);
});

test('systemd counts what it may do as little: an exposure below 4 of 10', () => {
  const { status, output } = analyze('security', '--offline=true', '--threshold=39', '--no-pager', unit);
  expect(output).toContain('Overall exposure level');
  expect(status).toBe(0);
});
