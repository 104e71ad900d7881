import { parseInput } from './parse.js';
import { fitServices, resolveServices, servicesField } from './services.js';

const parse = (value: unknown): ReturnType<typeof servicesField.parse> => parseInput(servicesField, value, 'services');

test('a service in the words of Compose becomes exact', () => {
  const wish = parse({
    db: {
      image: 'postgres:17-alpine',
      environment: { POSTGRES_PASSWORD: 'x' },
      healthcheck: {
        test: ['CMD-SHELL', 'pg_isready'],
        interval: '1m30s',
        timeout: 0.5,
        retries: 5,
        start_period: '10s',
      },
      tmpfs: ['/run/postgresql'],
      memory_limit: '1g',
      cpu_limit: 0.5,
      pids_limit: 40,
    },
  });
  expect(resolveServices(undefined, wish, {}).services).toEqual({
    db: {
      image: 'postgres:17-alpine',
      environment: { POSTGRES_PASSWORD: 'x' },
      healthcheck: {
        test: ['/bin/sh', '-c', 'pg_isready'],
        intervalMs: 90_000,
        timeoutMs: 500,
        retries: 5,
        startPeriodMs: 10_000,
      },
      tmpfs: ['/run/postgresql'],
      limits: { memoryBytes: 1024 ** 3, cpus: 0.5, pids: 40 },
    },
  });
});

test('what a request says of a service replaces that field alone, and variables by name', () => {
  const solution = parse({
    db: { image: 'a', command: ['x'], environment: { A: '1', B: '2' }, healthcheck: { test: 'true', retries: 9 } },
    cache: { image: 'c' },
  });
  const request = parse({
    db: { image: 'b', environment: { B: '3' }, healthcheck: { test: ['NONE'] } },
    more: { image: 'm' },
  });
  const { services } = resolveServices(request, solution, {});
  expect(services).toMatchObject({
    db: { image: 'b', command: ['x'], environment: { A: '1', B: '3' }, healthcheck: { test: null, retries: 9 } },
    cache: {
      image: 'c',
      environment: {},
      healthcheck: {},
      tmpfs: [],
      limits: { memoryBytes: 512 * 1024 ** 2, cpus: 1, pids: 256 },
    },
    more: { image: 'm' },
  });
});

test("services take their memory of the server's ceiling, and no more CPUs and processes than it has", () => {
  const services = parse({
    db: { image: 'a', memory_limit: '1g', cpu_limit: 8, pids_limit: 999 },
    cache: { image: 'c' },
  });
  const resolved = resolveServices(services, undefined, { memoryBytes: 2 * 1024 ** 3, cpus: 2, pids: 100 });
  expect(resolved.ceiling).toEqual({ memoryBytes: 512 * 1024 ** 2, cpus: 2, pids: 100 });
  expect(resolved.notes).toEqual(["Of the server's ceiling of 2 GiB of memory the services take 1.5 GiB."]);
  expect(resolved.services?.db?.limits).toEqual({ memoryBytes: 1024 ** 3, cpus: 2, pids: 100 });
  expect(() => resolveServices(services, undefined, { memoryBytes: 1024 ** 3 })).toThrow(
    'services: their memory limits, 1.5 GiB together, leave nothing for the sandbox of the 1 GiB that this server allows.',
  );
});

test('limits of services are not below what can be kept, and fit the machine', () => {
  const little = parse({ db: { image: 'a', memory_limit: '1k', cpu_limit: 1e-10 } });
  expect(resolveServices(little, undefined, { cpus: 0.5 }).services?.db?.limits).toEqual({
    memoryBytes: 8 * 1024 ** 2,
    cpus: 0.01,
    pids: 256,
  });
  const { services = {} } = resolveServices(
    parse({ db: { image: 'a', memory_limit: '1024t', cpu_limit: 64 } }),
    undefined,
    {},
  );
  expect(fitServices(services, { memoryBytes: 2 * 1024 ** 3, cpus: 2, diskBytes: null })).toMatchObject({
    services: { db: { image: 'a', limits: { memoryBytes: 2 * 1024 ** 3, cpus: 2, pids: 256 } } },
    notes: ["services.db.memory_limit was lowered from 1024 TiB to the machine's, 2 GiB."],
  });
  expect(fitServices(services, { memoryBytes: null, cpus: null, diskBytes: null })).toEqual({ services, notes: [] });
});

test('a service without an image is told, by where it stands', () => {
  expect(() => resolveServices(undefined, parse({ db: {} }), {})).toThrow('content.services.db.image: is missing.');
  expect(() => resolveServices(parse({ db: {} }), undefined, {})).toThrow('services.db.image: is missing.');
  const solution = parse({ db: { command: ['x'] } });
  expect(() => resolveServices(undefined, solution, {})).toThrow('content.services.db.image: is missing.');
});

const ok = { image: 'a' };
test.each<[unknown, string]>([
  ['x', 'services: must be an object of services.'],
  [{ db: 'postgres' }, 'services.db: must be an object: {"image": "postgres:17-alpine", …}.'],
  [
    { DB: ok },
    'services.DB: must be a name of at most 63 small letters, digits, "-" and "_", beginning with a letter.',
  ],
  [{ '1': ok }, 'services.1: must be a name'],
  [{ localhost: ok }, 'services.localhost: is a name that every sandbox has already.'],
  [{ db: { ...ok, ports: [] } }, 'services.db.ports: is not a known field.'],
  [{ db: { image: '../x' } }, 'services.db.image: must be the name of an image'],
  [{ db: { ...ok, command: 'redis-server' } }, 'services.db.command: must be a list of strings'],
  [{ db: { ...ok, command: [] } }, 'services.db.command: must name a program'],
  [{ db: { ...ok, environment: ['A=1'] } }, 'services.db.environment: must be an object of strings.'],
  [{ db: { ...ok, healthcheck: 'true' } }, 'services.db.healthcheck: must be an object'],
  [
    { db: { ...ok, healthcheck: { test: ['pg_isready'] } } },
    'services.db.healthcheck.test: must be a command for a shell',
  ],
  [{ db: { ...ok, healthcheck: { test: ['CMD'] } } }, 'services.db.healthcheck.test: must be a command for a shell'],
  [{ db: { ...ok, healthcheck: { interval: '5' } } }, 'services.db.healthcheck.interval: must be a duration'],
  [{ db: { ...ok, healthcheck: { interval: 0 } } }, 'services.db.healthcheck.interval: must be above 0.'],
  [{ db: { ...ok, healthcheck: { timeout: '11m' } } }, 'services.db.healthcheck.timeout: must be a duration'],
  [{ db: { ...ok, healthcheck: { retries: 0 } } }, 'services.db.healthcheck.retries: must be at least 1.'],
  [{ db: { ...ok, tmpfs: ['run'] } }, 'services.db.tmpfs.0: must be absolute paths of folders'],
  [{ db: { ...ok, tmpfs: ['/run/../etc'] } }, 'services.db.tmpfs.0: must be absolute paths of folders'],
  [{ db: { ...ok, tmpfs: ['/proc/x'] } }, 'services.db.tmpfs.0: must be absolute paths of folders'],
  [{ db: { ...ok, memory_limit: 5 } }, 'services.db.memory_limit: must be a size'],
  [Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`s${n}`, ok])), 'services: must be at most 16.'],
])('%j is refused with a sentence', (value, sentence) => {
  expect(() => parse(value)).toThrow(sentence);
});
