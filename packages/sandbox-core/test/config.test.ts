import { z } from 'zod';
import {
  fitToMachine,
  formatSize,
  parseInput,
  parseSize,
  requireCeiling,
  resolveLimits,
  statusOfEnd,
  statusOfSandbox,
} from '../src/index.js';
import type { EndCause } from '../src/index.js';

describe('sizes', () => {
  it.each([
    ['512m', 512 * 1024 ** 2],
    ['4g', 4 * 1024 ** 3],
    ['4G', 4 * 1024 ** 3],
    ['1.5k', 1536],
    ['65536', 65536],
    ['10b', 10],
    ['1024t', 1024 ** 5],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'g', '-1g', '1 g', '4gb', '1e3', '1.g', '.5g', '0x10', '1025t', '4g\n', '٤g'])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });

  it.each([
    [1536, '1.5 KiB'],
    [4 * 1024 ** 3, '4 GiB'],
    [17, '17 bytes'],
  ])('%d bytes read %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('limits', () => {
  it('the request goes before the solution, the solution before the default', () => {
    const { limits, asked, notes } = resolveLimits(
      { timeoutMs: 5000 },
      { timeoutMs: 9000, memoryBytes: 1024 ** 3 },
      {},
    );
    expect(limits).toMatchObject({ timeoutMs: 5000, memoryBytes: 1024 ** 3, cpus: 4, pids: 256, diskBytes: 1024 ** 3 });
    expect([...asked].sort()).toEqual(['memory', 'wall-time']);
    expect(notes).toEqual([]);
  });

  it('nothing goes above the ceiling, and the note says what was lowered', () => {
    const { limits, notes } = resolveLimits(
      { memoryBytes: 8 * 1024 ** 3 },
      {},
      { memoryBytes: 1024 ** 3, timeoutMs: 60_000 },
    );
    expect(limits).toMatchObject({ memoryBytes: 1024 ** 3, timeoutMs: 60_000 });
    expect(notes).toEqual([
      "memory_limit was lowered from 8 GiB to the server's ceiling, 1 GiB.",
      "timeout was lowered from 300 s to the server's ceiling, 60 s.",
    ]);
  });

  it('what is too small to be kept is raised, and the note says so', () => {
    const { limits, notes } = resolveLimits({ memoryBytes: 1, cpus: 1e-9, diskBytes: 1 }, {}, {});
    expect(limits).toMatchObject({ memoryBytes: 8 * 1024 ** 2, cpus: 0.01, diskBytes: 1024 ** 2 });
    expect(notes).toEqual([
      'memory_limit was raised from 1 byte to the smallest that can be kept, 8 MiB.',
      'cpu_limit was raised from 1e-9 CPUs to the smallest that can be kept, 0.01 CPUs.',
      'disk_limit was raised from 1 byte to the smallest that can be kept, 1 MiB.',
    ]);
  });

  it('no ceiling is below what can be kept, so that none is exceeded', () => {
    const least = {
      memoryBytes: 8 * 1024 ** 2,
      cpus: 0.01,
      pids: 1,
      diskBytes: 1024 ** 2,
      outputBytes: 1,
      timeoutMs: 1,
    };
    expect(() => requireCeiling(least, 'ceiling')).not.toThrow();
    expect(resolveLimits({ memoryBytes: 1, cpus: 1e-9, diskBytes: 1 }, {}, least).limits).toMatchObject(least);
    for (const [key, sentence] of [
      ['memoryBytes', 'ceiling.memory: must be at least 8 MiB, the smallest that can be kept.'],
      ['cpus', 'ceiling.cpu: must be at least 0.01 CPUs, the smallest that can be kept.'],
      ['diskBytes', 'ceiling.disk: must be at least 1 MiB, the smallest that can be kept.'],
    ] as const) {
      expect(() => requireCeiling({ ...least, [key]: least[key] * 0.99 }, 'ceiling')).toThrow(sentence);
    }
  });

  it('a machine of two cores gets a default of two CPUs, and says so', () => {
    const { limits } = resolveLimits({}, {}, {});
    const fitted = fitToMachine(limits, { cpus: 2, memoryBytes: null, diskBytes: 1024 ** 2 });
    expect(fitted.limits).toMatchObject({ cpus: 2, diskBytes: 1024 ** 2, fileBytes: 1024 ** 2 });
    expect(fitted.notes.join()).toContain("cpu_limit was lowered from 4 CPUs to the machine's, 2 CPUs.");
  });
});

describe('status', () => {
  const ends: [EndCause, number | null, string][] = [
    ['exited', 0, 'completed'],
    ['exited', 1, 'failed'],
    ['signalled', 139, 'failed'],
    ['limit', 0, 'failed'],
    ['lost', null, 'failed'],
    ['not-started', null, 'failed'],
    ['timeout', null, 'timeout'],
    ['timeout', 0, 'timeout'],
    ['stopped', null, 'stopped'],
  ];
  it.each(ends)('an end by %s with %s is %s', (cause, exitCode, status) => {
    expect(statusOfEnd({ cause, exitCode })).toBe(status);
    expect(statusOfSandbox('ready', { cause, exitCode })).toBe(status);
  });

  it.each([
    ['preparing', 'preparing'],
    ['ready', 'ready'],
    ['busy', 'running'],
    ['broken', 'failed'],
    ['cleaned', 'cleaned'],
  ] as const)('a sandbox that is %s and has run nothing is %s', (phase, status) => {
    expect(statusOfSandbox(phase, null)).toBe(status);
  });
});

test('of a misspelt field and one that is missing for it, the misspelt one is named', () => {
  const schema = z.strictObject({ solution_id: z.string() });
  expect(() => parseInput(schema, { solution_idd: 'a' })).toThrow('solution_idd: is not a known field.');
});
