import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Engine } from './engine.js';
import { until } from './until.js';

const script = join(__dirname, 'slow-registry.cjs');

/** A registry on the loopback of the engine, in a container of it. It has one image, and takes its time for that. */
export class SlowRegistry {
  /** What became of each request for the image's layer. */
  readonly said: string[] = [];
  #port = 0;

  private constructor(private readonly child: ChildProcess) {}

  static async launch(engine: Engine, bytes: number, bytesPerSecond: number): Promise<SlowRegistry> {
    const options = ['run', '--rm', '--interactive', '--init', '--network=host', '--label=ergon-test=slow-registry'];
    const program = ['node', '-e', readFileSync(script, 'utf8'), '--', String(bytes), String(bytesPerSecond)];
    const { PATH, HOME } = process.env;
    const child = spawn('docker', [...options, 'ergon-test/debian:1', ...program], {
      env: { PATH, HOME, DOCKER_HOST: engine.host },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const registry = new SlowRegistry(child);
    createInterface(child.stdout).on('line', (line) => {
      const { type, port } = JSON.parse(line) as { type: string; port?: number };
      if (port === undefined) registry.said.push(type);
      else registry.#port = port;
    });
    await until(() => registry.#port !== 0);
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get image(): string {
    return `${this.host}/slow/app:1`;
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM'); // the client passes it on
    await ended;
  }
}
