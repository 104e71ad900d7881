import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Dockerode from 'dockerode';
import { docker } from './engine.js';
import { until } from './until.js';

const script = join(__dirname, '../../../../tools/lib/dockerd.sh');

/** An engine that a test may stop, kill and start again. Needs root. */
export class OwnEngine {
  readonly host: string;
  readonly docker: Dockerode;
  #daemon: ChildProcess | null = null;

  private constructor(private readonly folder: string) {
    this.host = `unix://${folder}/docker.sock`;
    this.docker = new Dockerode({ socketPath: `${folder}/docker.sock` });
  }

  /** With these images of the tests' engine. */
  static async launch(...images: readonly string[]): Promise<OwnEngine> {
    // On a disk, where a temporary folder may be memory.
    const engine = new OwnEngine(mkdtempSync('/var/tmp/ergon-docker-engine.'));
    await engine.start();
    for (const image of images) {
      const loading = await engine.docker.loadImage(await docker.getImage(image).get());
      loading.resume();
      await once(loading, 'end');
    }
    return engine;
  }

  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  async start(): Promise<void> {
    const daemon = spawn('bash', [script, this.folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#daemon = daemon;
    const answers = async (): Promise<boolean> => {
      if (daemon.exitCode !== null) throw new Error(`The engine ended; its log is ${this.folder}/dockerd.log.`);
      return this.docker.ping().then(
        () => true,
        () => false,
      );
    };
    await until('the engine answers', answers, 60_000);
  }

  /** In order, or by SIGKILL: a power cut, for its containers too. Its data stay. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null) return;
    const exited = once(daemon, 'exit');
    daemon.kill(signal);
    await exited;
    this.#daemon = null;
  }

  async remove(): Promise<void> {
    await this.stop('SIGTERM');
    rmSync(this.folder, { recursive: true });
  }
}
