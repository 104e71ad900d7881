import { z } from 'zod';
import { smallest } from './limits.js';
import type { LimitWishes } from './limits.js';
import { cpuField, environmentField, imageField, memoryField, namedField, pidsField } from './fields.js';
import type { ProviderCapabilities } from '../contract/capabilities.js';
import { SandboxError } from '../contract/error.js';
import type { ServiceConfig } from '../contract/service.js';
import { formatSize } from './size.js';

const defaults = { memoryBytes: 512 * 1024 ** 2, cpus: 1, pids: 256 } as const;
const most = 16;

/** Names that every sandbox knows already. */
const taken = new Set(['localhost', 'ip6-localhost', 'ip6-loopback', 'sandbox']);

/** It becomes a host name. */
const nameField = z
  .string()
  .regex(
    /^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$/,
    'must be a name of at most 63 small letters, digits, "-" and "_", beginning with a letter',
  )
  .refine((name) => !taken.has(name), 'is a name that every sandbox has already');

const units = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const durationMessage = 'must be a duration such as "1m30s", or a number of seconds, at most 600';

/** As Compose writes it ("1m30s"), or in seconds; in ms. */
const durationField = z.union([z.string(), z.number()], { error: durationMessage }).transform((value, context) => {
  const ms = typeof value === 'number' ? value * 1000 : parseDuration(value);
  if (ms !== null && ms >= 0 && ms <= 600_000) return Math.round(ms);
  context.addIssue({ code: 'custom', message: durationMessage });
  return z.NEVER;
});

function parseDuration(text: string): number | null {
  if (!/^(\d{1,9}(\.\d{1,9})?(us|ms|s|m|h))+$/.test(text)) return null;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g);
  return [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit as keyof typeof units], 0);
}

const wordsMessage = 'must be a list of strings, at most 1,024 and 128 KiB in all';
const words = z
  .array(z.string({ error: wordsMessage }), { error: wordsMessage })
  .max(1024, wordsMessage)
  .refine((argv) => argv.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0) <= 128 * 1024, wordsMessage)
  .refine((argv) => argv.every((word) => !word.includes('\0')), 'must not contain NUL');

const testMessage = 'must be a command for a shell, ["CMD", "program", …], ["CMD-SHELL", "command"] or ["NONE"]';
/** As Compose has it. Argv, or null for none. */
const testField = z.union([z.string(), words], { error: testMessage }).transform((test, context) => {
  const [kind, ...rest] = typeof test === 'string' ? ['CMD-SHELL', test] : test;
  const [first] = rest;
  if (kind === 'NONE' && rest.length === 0) return null;
  if (first !== undefined && first !== '' && !rest.some((word) => word.includes('\0'))) {
    if (kind === 'CMD') return rest;
    if (kind === 'CMD-SHELL' && rest.length === 1) return ['/bin/sh', '-c', first];
  }
  context.addIssue({ code: 'custom', message: testMessage });
  return z.NEVER;
});

const healthcheckField = z.strictObject(
  {
    test: testField.optional(),
    interval: durationField.refine((ms) => ms > 0, 'must be above 0').optional(),
    timeout: durationField.refine((ms) => ms > 0, 'must be above 0').optional(),
    retries: z
      .int({ error: 'must be a whole number from 1 to 1000' })
      .min(1, 'must be at least 1')
      .max(1000, 'must be at most 1000')
      .optional(),
    start_period: durationField.optional(),
  },
  { error: objectMessage('must be an object: {"test": …, "interval": "5s", …}') },
);

const folderMessage = 'must be absolute paths of folders, such as "/run/postgresql", not of the system';
const folderField = z
  .string({ error: folderMessage })
  .max(400, folderMessage)
  .regex(/^(\/(?!\.{1,2}(\/|$))[\w.@+-]+)+$/, folderMessage)
  .refine((path) => !/^\/(proc|sys|dev)(\/|$)/.test(path), folderMessage);

const serviceField = z.strictObject(
  {
    image: imageField.optional(),
    command: words.min(1, 'must name a program or its arguments').optional(),
    environment: environmentField.optional(),
    healthcheck: healthcheckField.optional(),
    tmpfs: z.array(folderField, { error: folderMessage }).max(20, 'must be at most 20').optional(),
    memory_limit: memoryField.optional(),
    cpu_limit: cpuField.optional(),
    pids_limit: pidsField.optional(),
  },
  { error: objectMessage('must be an object: {"image": "postgres:17-alpine", …}') },
);

/** A field that is not known has a sentence of its own. */
function objectMessage(message: string) {
  return (issue: { readonly code?: string | undefined }): string | undefined =>
    issue.code === 'unrecognized_keys' ? undefined : message;
}

/** Services by name, in Compose's words. Those of a request may leave out what the solution says. */
export const servicesField: z.ZodType<
  Record<string, z.output<typeof serviceField>>,
  Record<string, z.input<typeof serviceField>>
> = namedField(nameField, serviceField, 'must be an object of services').refine(
  (services) => Object.keys(services).length <= most,
  `must be at most ${String(most)}`,
) as never;

/** Services as somebody asked for them, parsed. */
export type ServiceWishes = z.output<typeof servicesField>;

export interface ResolvedServices {
  /** Undefined: none. */
  readonly services: Readonly<Record<string, ServiceConfig>> | undefined;
  /** What is left of the ceiling for the sandbox itself. */
  readonly ceiling: LimitWishes;
  /** Sentences. */
  readonly notes: readonly string[];
}

/**
 * The solution's services, each with what the request says otherwise, and those of the request alone. Their memory is taken from the server's ceiling. Pure.
 * @throws SandboxError SANDBOX008
 */
export function resolveServices(
  request: ServiceWishes = {},
  solution: ServiceWishes = {},
  ceiling: LimitWishes,
): ResolvedServices {
  const names = [...new Set([...Object.keys(solution), ...Object.keys(request)])];
  if (names.length === 0) return { services: undefined, ceiling, notes: [] };
  if (names.length > most) throw invalid('services', `must be at most ${String(most)}, with the solution's`);
  const services = Object.fromEntries(
    names.map((name) => [name, resolveService(name, solution[name], request[name], ceiling)]),
  );
  if (ceiling.memoryBytes === undefined) return { services, ceiling, notes: [] };
  const taken = Object.values(services).reduce((sum, { limits }) => sum + limits.memoryBytes, 0);
  const left = ceiling.memoryBytes - taken;
  if (left < smallest.memoryBytes) {
    const [all, allowed] = [formatSize(taken), formatSize(ceiling.memoryBytes)];
    throw invalid(
      'services',
      `their memory limits, ${all} together, leave nothing for the sandbox of the ${allowed} that this server allows`,
    );
  }
  const note = `Of the server's ceiling of ${formatSize(ceiling.memoryBytes)} of memory the services take ${formatSize(taken)}.`;
  return { services, ceiling: { ...ceiling, memoryBytes: left }, notes: [note] };
}

/** Lowers limits of services to what the machine has. Pure. */
export function fitServices(
  services: Readonly<Record<string, ServiceConfig>>,
  { memoryBytes, cpus }: ProviderCapabilities['machine'],
): { readonly services: Readonly<Record<string, ServiceConfig>>; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const fitted = Object.entries(services).map(([name, service]) => {
    const { limits } = service;
    if (memoryBytes !== null && limits.memoryBytes > memoryBytes) {
      const [wish, bound] = [formatSize(limits.memoryBytes), formatSize(memoryBytes)];
      notes.push(`services.${name}.memory_limit was lowered from ${wish} to the machine's, ${bound}.`);
    }
    const within = (value: number, bound: number | null): number => Math.min(value, bound ?? value);
    const fits = { memoryBytes: within(limits.memoryBytes, memoryBytes), cpus: within(limits.cpus, cpus) };
    return [name, { ...service, limits: { ...limits, ...fits } }] as const;
  });
  return { services: Object.fromEntries(fitted), notes };
}

type ServiceWish = ServiceWishes[string];

function resolveService(
  name: string,
  ofSolution: ServiceWish | undefined,
  request: ServiceWish = {},
  ceiling: LimitWishes,
): ServiceConfig {
  const solution = ofSolution ?? {};
  const { image, command, tmpfs = [], ...wish } = { ...solution, ...request };
  if (image === undefined)
    throw invalid(`${ofSolution === undefined ? '' : 'content.'}services.${name}.image`, 'is missing');
  const { test, interval, timeout, retries, start_period } = { ...solution.healthcheck, ...request.healthcheck };
  const within = (value: number, bound: number | undefined): number => Math.min(value, bound ?? value);
  return {
    image,
    ...(command !== undefined && { command }),
    environment: { ...solution.environment, ...request.environment },
    healthcheck: {
      ...(test !== undefined && { test }),
      ...(interval !== undefined && { intervalMs: interval }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
      ...(retries !== undefined && { retries }),
      ...(start_period !== undefined && { startPeriodMs: start_period }),
    },
    tmpfs,
    limits: {
      memoryBytes: Math.max(wish.memory_limit ?? defaults.memoryBytes, smallest.memoryBytes),
      cpus: Math.max(within(wish.cpu_limit ?? defaults.cpus, ceiling.cpus), smallest.cpus),
      pids: within(wish.pids_limit ?? defaults.pids, ceiling.pids),
    },
  };
}

function invalid(field: string, what: string): SandboxError {
  return new SandboxError('SANDBOX008', `${field}: ${what}.`, { field });
}
