import { Engine } from './engine.js';
import { Image } from './image.js';
import type { Container } from './image.js';
import { until } from './until.js';

// The server as the image of its Dockerfile, started as the README says.
const engine = Engine.given();
const image = new Image(engine);

beforeAll(() => image.build(), 300_000);

afterAll(() => image.remove(), 120_000);

/** What the engine has of a sandbox. */
async function thingsOf(sandbox: string): Promise<string[]> {
  const list = (...args: string[]): Promise<string> => engine.docker(...args, '--quiet', '--filter', `name=${sandbox}`);
  const ids = `${await list('ps', '--all')}${await list('volume', 'ls')}${await list('network', 'ls')}`;
  return ids.split('\n').filter((id) => id !== '');
}

/** `docker stop`, with what it has to leave: an exit code of 0 and the log of an ordered end. */
async function stop(server: Container): Promise<void> {
  await engine.docker('stop', server.name);
  expect(await server.inspect('.State.ExitCode')).toBe('0');
  expect(await server.logs()).toMatch(/"message":"Stopped"\}\n$/);
}

test('without a token it does not start, and says what to set', async () => {
  await expect(image.runs()).rejects.toThrow(/ended with 78: .*ERGON_SANDBOX_TOKEN is needed/);
});

test('it is not root, and can change nothing but its data', async () => {
  const paths = '/app /app/node_modules/@ergon/sandbox-api/dist/main.js /usr/bin /etc/passwd /data';
  expect(await image.sh(`id -u; for path in ${paths}; do if [ -w "$path" ]; then echo "$path"; fi; done`)).toBe(
    '10001\n/data\n',
  );
});

const programs = [
  { main_file: 'main.sh', code: 'echo "$((6 * 7))"; exit 3', exit_code: 3 },
  { main_file: 'main.py', code: 'print(6 * 7)\nraise SystemExit(4)', exit_code: 4 },
  { main_file: 'main.js', code: 'console.log(6 * 7); process.exitCode = 5', exit_code: 5 },
];

test('bubblewrap in it runs solutions and leaves no process of them; docker stop ends all in order, and only data stay', async () => {
  const server = await image.start('bubblewrap inside of it', 'inside');
  for (const { main_file, code, exit_code } of programs) {
    const sandbox = await server.open(main_file, code);
    const result = await server.result(sandbox, 60);
    expect(result).toMatchObject({
      status: 'failed',
      stdout: '42\n',
      exit_code,
      metrics: { provider: 'sandbox-exec' },
    });
    await server.ok('DELETE', `/sandbox/${sandbox}`);
  }
  const processes = (): Promise<string> => engine.docker('exec', server.name, 'ps', '-e', '--format', 'comm=');
  await until(async () => !/bwrap|sh/.test(await processes()), 60_000);

  await server.isRunning(await server.open('main.sh', 'echo begun; sleep 600'));
  await stop(server);
  expect(await image.dataIn('inside', 'sandboxes')).toEqual([]);
  expect(await image.dataIn('inside', '.')).toContain('registry.db');
}, 180_000);

test('with the socket of the engine it runs solutions there; a start after kill removes what was left, and a stop leaves nothing', async () => {
  const images = ['python', 'node', 'shell', 'default'].map((language) => `${language}=ergon-test/debian:1`);
  const start = (): Promise<Container> =>
    image.start("the host's engine", 'outside', '--env', `ERGON_SANDBOX_IMAGES=${images.join()}`);
  let server = await start();
  const cutOff = await server.open('main.sh', 'echo begun; sleep 600');
  await server.isRunning(cutOff);
  expect(await server.result(cutOff)).toMatchObject({ metrics: { provider: 'docker' } });
  await engine.docker('kill', server.name);
  expect(await thingsOf(cutOff)).not.toEqual([]);

  server = await start();
  expect(await server.result(cutOff)).toMatchObject({ status: 'failed', cause: 'lost' });
  await until(async () => (await thingsOf(cutOff)).length === 0, 60_000);
  const sandbox = await server.open('main.sh', 'echo "$((6 * 7))"; exit 3');
  expect(await server.result(sandbox, 60)).toMatchObject({ stdout: '42\n', exit_code: 3 });
  await stop(server);
  expect(await thingsOf(sandbox)).toEqual([]);
}, 180_000);
