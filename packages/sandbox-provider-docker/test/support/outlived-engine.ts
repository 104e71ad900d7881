import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { basename } from 'node:path';
import Dockerode from 'dockerode';
import { docker } from './engine.js';
import { commandLine, processesBelow } from './processes.js';
import { until } from './until.js';

/** As tools/lib/dockerd.sh has it, but that the namespaces outlast the engine, and with them its containers. */
const inside = `
set -e
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs tmpfs /etc/docker
ip link set lo up
echo '{ "live-restore": true }' > /etc/docker/daemon.json
dockerd --data-root "$1/data" --host "unix://$1/docker.sock" \
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/\${1##*/}" >> "$1/dockerd.log" 2>&1 || exec sleep infinity
`;

/** An engine with live-restore, which a test can kill while its containers go on. Needs root. */
export class OutlivedEngine {
  readonly host: string;
  readonly #docker: Dockerode;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(private readonly folder: string) {
    this.host = `unix://${folder}/docker.sock`;
    this.#docker = new Dockerode({ socketPath: `${folder}/docker.sock` });
    const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const words = ['--pdeathsig', 'KILL', 'unshare', ...namespaces, 'bash', '-c', inside, 'bash', folder];
    this.#child = spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#exited = once(this.#child, 'exit');
  }

  static async launch(image: string): Promise<OutlivedEngine> {
    const engine = new OutlivedEngine(mkdtempSync('/var/tmp/ergon-outlived-engine.'));
    const answers = (): Promise<boolean> =>
      engine.#docker.ping().then(
        () => true,
        () => false, // not yet
      );
    await until('the engine answers', answers, 60_000);
    const loading = await engine.#docker.loadImage(await docker.getImage(image).get());
    loading.resume();
    await once(loading, 'end');
    return engine;
  }

  /** All that runs in its namespaces, containers included. */
  get processes(): number[] {
    return processesBelow(this.#child.pid ?? 0);
  }

  /** Ends the engine by SIGKILL, not its containers. */
  kill(): void {
    const daemon = this.processes.find((pid) => commandLine(pid)[0]?.endsWith('dockerd') === true);
    if (daemon === undefined) throw new Error(`The engine does not run; its log is ${this.folder}/dockerd.log.`);
    process.kill(daemon, 'SIGKILL');
  }

  /** Ends all of it. */
  async remove(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    await until('its control groups are gone', () => removeGroups('/sys/fs/cgroup', basename(this.folder)));
    rmSync(this.folder, { recursive: true });
  }
}

/** Whether none is left: the kernel lets one go only when its last process is gone for good. */
function removeGroups(folder: string, name: string): boolean {
  const remove = (path: string): void => {
    for (const each of readdirSync(path, { withFileTypes: true }))
      if (each.isDirectory()) remove(`${path}/${each.name}`);
    rmdirSync(path);
  };
  const groups = [folder, ...readdirSync(folder).map((each) => `${folder}/${each}`)].map((each) => `${each}/${name}`);
  for (const group of groups) {
    try {
      remove(group);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return true;
}
