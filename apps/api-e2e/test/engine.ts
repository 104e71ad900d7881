import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { seenInstancesOf } from './leftovers.js';
import { TestServer } from './server.js';
import type { ServerOptions } from './server.js';
import { until } from './until.js';

const tools = join(__dirname, '../../../tools');
const instanceLabel = 'org.ergon.sandbox.instance';

interface Thing {
  readonly kind: 'container' | 'volume' | 'network';
  readonly id: string;
  readonly instance: string;
}

/** A Docker Engine, seen through Docker's own client. */
export class Engine {
  constructor(readonly host: string) {}

  /** The one that with-docker.sh found or started. */
  static given(): Engine {
    const host = process.env.DOCKER_HOST;
    if (host === undefined) throw new Error('These tests run through tools/with-docker.sh, which names an engine.');
    return new Engine(host);
  }

  /** A server that may use this engine, with the images of the tests for all languages. */
  async server({ env, ...options }: ServerOptions = {}): Promise<TestServer> {
    const images = ['python', 'node', 'shell', 'default'].map((language) => `${language}=ergon-test/debian:1`);
    const server = await TestServer.start({
      ...options,
      env: { DOCKER_HOST: this.host, ERGON_SANDBOX_IMAGES: images.join(), ...env },
    });
    seenInstancesOf(server.dataDir);
    return server;
  }

  docker(...args: string[]): Promise<string> {
    return succeed('docker', args, { DOCKER_HOST: this.host });
  }

  /** Containers, volumes and networks of sandboxes of a data folder: none of them may be once they are cleaned. */
  async leftovers(dataDir: string): Promise<string[]> {
    const instances = seenInstancesOf(dataDir);
    const things = await this.#things();
    return things.filter(({ instance }) => instances.has(instance)).map(({ kind, id }) => `${kind} ${id}`);
  }

  /** Everything that is not the engine's own, with labels or without. */
  async all(): Promise<string[]> {
    return (await this.#things()).map(({ kind, id }) => `${kind} ${id}`);
  }

  async #things(): Promise<Thing[]> {
    const list = async (kind: Thing['kind'], name: string, ...args: string[]): Promise<Thing[]> => {
      const output = await this.docker(...args, '--format', `{{.${name}}} {{.Label "${instanceLabel}"}}`);
      const lines = output.split('\n').filter((line) => line !== '');
      return lines.map((line) => {
        const [id = '', instance = ''] = line.split(' ');
        return { kind, id, instance };
      });
    };
    return [
      ...(await list('container', 'Names', 'ps', '--all')),
      ...(await list('volume', 'Name', 'volume', 'ls')),
      ...(await list('network', 'Name', 'network', 'ls', '--filter=type=custom')),
    ];
  }
}

/** For what starts engines of its own: other users' tests are counted as skipped. */
export const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

/** An engine that a test may stop, kill and start again, with the images of the tests. Root only. */
export class OwnEngine extends Engine {
  #daemon: ChildProcess | null = null;

  private constructor(private readonly folder: string) {
    super(`unix://${folder}/docker.sock`);
  }

  static async launch(): Promise<OwnEngine> {
    // On a disk, where a temporary folder may be memory.
    const engine = new OwnEngine(mkdtempSync('/var/tmp/ergon-e2e-docker.'));
    await engine.start();
    await succeed('bash', [join(tools, 'test-images.sh')], { DOCKER_HOST: engine.host });
    return engine;
  }

  get isRunning(): boolean {
    return this.#daemon !== null;
  }

  async start(): Promise<void> {
    const daemon = spawn('bash', [join(tools, 'lib/dockerd.sh'), this.folder], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#daemon = daemon;
    await until(async () => {
      if (daemon.exitCode !== null)
        throw new Error(`The engine ended at its start; its log is ${this.folder}/dockerd.log`);
      return this.docker('version').then(
        () => true,
        () => false,
      );
    });
  }

  /** In order, or by SIGKILL: a power cut, for its containers too. Its data stay. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null) return;
    const exit = once(daemon, 'exit');
    daemon.kill(signal);
    await exit;
    this.#daemon = null;
  }

  /** For afterAll. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }
}

/** What a program that has to succeed writes to stdout. */
async function succeed(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${errors}`);
  return output;
}
