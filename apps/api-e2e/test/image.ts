import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { Engine } from './engine.js';
import { until } from './until.js';

const api = join(__dirname, '../../api');
const readme = readFileSync(join(api, 'README.md'), 'utf8');
const label = 'ergon-test.image';
const token = 'a-token-of-the-tests-of-the-image';

/** What a test gets of an HTTP call that has to succeed. */
type Json = Record<string, unknown>;

/** The image of apps/api/deploy, built as the README says, on the tests' Debian with what apt would add to it: no registry is needed, nor a network. */
export class Image {
  readonly #name = `ergon-test-${randomUUID()}`;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ergon-image-'));
  readonly #containers: Container[] = [];
  readonly #volumes = new Set<string>();

  constructor(readonly engine: Engine) {}

  async build(): Promise<void> {
    const base = join(this.#folder, 'base');
    mkdirSync(base);
    for (const program of ['bwrap', 'tini']) copyFileSync(`/usr/bin/${program}`, join(base, program));
    const lines = ['FROM ergon-test/debian:1', `LABEL ${label}=${this.#name}`, 'COPY bwrap tini /usr/bin/', ''];
    writeFileSync(join(base, 'Dockerfile'), lines.join('\n'));
    await this.engine.docker('build', '--force-rm', '--tag', `${this.#name}-base`, base);
    const packed = join(this.#folder, 'packed');
    execFileSync('bash', [join(api, 'deploy/pack.sh'), packed]);
    const build = ['build', '--force-rm', '--tag', this.#name, '--build-arg', `BASE=${this.#name}-base`];
    await this.engine.docker(...build, packed);
  }

  /** Its own program, in the foreground. */
  runs(...options: string[]): Promise<string> {
    return this.engine.docker('run', '--rm', ...options, this.#name);
  }

  /** A shell's script in its place. @returns what it wrote to stdout */
  sh(script: string): Promise<string> {
    return this.engine.docker('run', '--rm', '--entrypoint', 'sh', this.#name, '-c', script);
  }

  /**
   * By the README's command line.
   *
   * @param provider the words with which the README's line for a provider begins
   * @param volume a container with the same has the same data
   */
  async start(provider: string, volume: string, ...options: string[]): Promise<Container> {
    const command = /^docker run (.*) ergon-sandbox-api$/m.exec(readme)?.[1];
    const forProvider = new RegExp(`^- ${provider}: \`([^\`]+)\``, 'm').exec(readme)?.[1];
    if (command === undefined || forProvider === undefined) throw new Error('The README says it otherwise.');
    const socket = this.engine.host.startsWith('unix://') ? this.engine.host.slice(7) : '/var/run/docker.sock';
    const name = `${this.#name}-${this.#containers.length}`;
    this.#volumes.add(`${this.#name}-${volume}`);
    const line = command
      .replace('PROVIDER', forProvider)
      .replace('--name ergon ', `--name ${name} `)
      .replace('-v ergon:', `-v ${this.#name}-${volume}:`)
      .replace(' 127.0.0.1:8102:8102 ', ' 127.0.0.1::8102 ')
      .replace('$(stat -c %g /var/run/docker.sock)', await this.#groupOf(socket))
      .replace('/var/run/docker.sock:', `${socket}:`);
    const args = [...line.split(' '), ...options];
    args[args.indexOf('ERGON_SANDBOX_TOKEN')] = `ERGON_SANDBOX_TOKEN=${token}`;
    const container = new Container(this.engine, name);
    this.#containers.push(container);
    await this.engine.docker('run', ...args, this.#name);
    await container.reach();
    return container;
  }

  /** The names in a folder of the data. */
  async dataIn(volume: string, folder: string): Promise<string[]> {
    const mount = `${this.#name}-${volume}:/data`;
    const names = await this.engine.docker('run', '--rm', '-v', mount, 'ergon-test/busybox:1', 'ls', `/data/${folder}`);
    return names.split('\n').filter((name) => name !== '');
  }

  async remove(): Promise<void> {
    for (const container of this.#containers) await container.remove();
    for (const volume of this.#volumes) await this.engine.docker('volume', 'rm', '--force', volume);
    await this.engine.docker('rmi', '--force', this.#name, `${this.#name}-base`);
    // The first stage has no name, and the label of what it was made from.
    await this.engine.docker('image', 'prune', '--force', '--filter', `label=${label}=${this.#name}`);
    rmSync(this.#folder, { recursive: true });
  }

  async #groupOf(socket: string): Promise<string> {
    const mount = `${socket}:/socket`;
    const group = this.engine.docker('run', '--rm', '-v', mount, 'ergon-test/busybox:1', 'stat', '-c', '%g', '/socket');
    return (await group).trim();
  }
}

/** A container of the image, and a way to its port that is published on the engine's host, where the test need not be. */
export class Container {
  #tunnel: Server | null = null;

  constructor(
    private readonly engine: Engine,
    readonly name: string,
  ) {}

  /** Opens the way, and waits until Docker's health check calls it healthy. */
  async reach(): Promise<void> {
    const port = (await this.engine.docker('port', this.name, '8102')).trim().split(':').at(-1) ?? '';
    const onHost = ['run', '-d', '--name', `${this.name}-host`, '--network', 'host', 'ergon-test/debian:1'];
    await this.engine.docker(...onHost, 'sleep', 'infinity');
    const { PATH, HOME } = process.env;
    this.#tunnel = createServer((socket) => {
      const connect = spawn('docker', ['exec', '-i', `${this.name}-host`, 'nc', '127.0.0.1', port], {
        env: { PATH, HOME, DOCKER_HOST: this.engine.host },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      // With the one end of it the other goes.
      pipeline(socket, connect.stdin, () => connect.kill());
      pipeline(connect.stdout, socket, () => connect.kill());
    }).listen(0, '127.0.0.1');
    await once(this.#tunnel, 'listening');
    await until(async () => (await this.inspect('.State.Health.Status')) === 'healthy', 60_000);
  }

  /** A field of `docker inspect`. */
  async inspect(field: string): Promise<string> {
    return (await this.engine.docker('inspect', '--format', `{{${field}}}`, this.name)).trim();
  }

  /** Calls the API, which has to answer 200. */
  async ok(method: string, path: string, body?: Json): Promise<Json> {
    const { port } = this.#tunnel?.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/api/ergon${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, Connection: 'close', 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Json;
    expect({ path, status: response.status, answer }).toMatchObject({ status: 200 });
    return answer;
  }

  /** Runs a solution. @returns its sandbox */
  async open(main_file: string, code: string): Promise<string> {
    const unit = { type: 'solution', name: 'image', version: '1', content: { main_file, code } };
    const { id } = await this.ok('POST', '/registry/store', unit);
    return String((await this.ok('POST', '/sandbox/test', { solution_id: id, run: true })).sandbox_id);
  }

  /** @param seconds how long to wait for the end */
  result(sandbox: string, seconds = 0): Promise<Json> {
    return this.ok('GET', `/sandbox/results/${sandbox}?wait=${seconds}`);
  }

  async isRunning(sandbox: string): Promise<void> {
    await until(async () => (await this.result(sandbox)).stdout === 'begun\n', 60_000);
  }

  logs(): Promise<string> {
    return this.engine.docker('logs', this.name);
  }

  async remove(): Promise<void> {
    this.#tunnel?.close();
    await this.engine.docker('rm', '--force', '--volumes', this.name, `${this.name}-host`);
  }
}
