import type { Ceiling } from '@ergon/sandbox-core';
import {
  cpuField,
  diskField,
  memoryField,
  outputField,
  parseInput,
  pidsField,
  requireCeiling,
  timeoutField,
} from '@ergon/sandbox-core';
import { z } from 'zod';

const count = (field: z.ZodType<number, number>): z.ZodType<number, string> => z.string().transform(Number).pipe(field);

const ceilingSchema = z.strictObject({
  memory: memoryField.optional(),
  cpu: count(cpuField).optional(),
  pids: count(pidsField).optional(),
  disk: diskField.optional(),
  output: outputField.optional(),
  timeout: count(timeoutField).optional(),
  network: z.enum(['none', 'full'], { error: 'must be none or full' }).optional(),
});

/**
 * Reads `memory=8g,timeout=3600,network=none`.
 * @param variable its name, for the sentence
 * @throws SandboxError SANDBOX008
 */
export function parseCeiling(variable: string, text: string): Ceiling {
  const pairs = text.split(',').map((pair): [string, string] => {
    const [name = '', ...value] = pair.split('=');
    return [name.trim(), value.join('=').trim()];
  });
  const given: Record<string, string> = {};
  for (const [name, value] of pairs) given[name] = name in given ? 'given twice' : value;
  const { memory, cpu, pids, disk, output, timeout, network } = parseInput(ceilingSchema, given, variable);
  const ceiling: Ceiling = {
    memoryBytes: memory,
    cpus: cpu,
    pids,
    diskBytes: disk,
    outputBytes: output,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    ...(network !== undefined && { network }),
  };
  requireCeiling(ceiling, variable);
  return ceiling;
}
