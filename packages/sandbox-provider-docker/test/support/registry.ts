import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type Dockerode from 'dockerode';
import { pack } from 'tar-stream';
import { docker } from './engine.js';
import { makeImage } from './made-image.js';
import { BUSYBOX, DEBIAN } from './server.js';
import { until } from './until.js';

export const LOGIN = { username: 'tester', password: 'pa:ss/w+rd-of-the-test' };
/** bcrypt, the only hash that it takes. */
const HTPASSWD = `tester:$2b$04$ClWecsspJxCcv5z3KOvB6eFntchSHnsj5SEALEUk3yUGABYsw6BaK\n`;

export interface Behaviour {
  /** Of each layer that is sent. */
  readonly bytesPerSecond?: number;
  /** Asked for a layer it says nothing. */
  readonly mute?: boolean;
  /** It refuses all, and repeats the credentials that it was sent. */
  readonly echo?: boolean;
}

interface Said {
  readonly type: 'port' | 'asked' | 'answered' | 'cut';
  readonly method: string;
  readonly url: string;
  readonly port: number;
}

/** Debian's docker-registry on the loopback of the engine of the tests, which may be in a network of its own. */
export class Registry implements AsyncDisposable {
  readonly said: Said[] = [];
  host = '';

  private constructor(readonly container: Dockerode.Container) {}

  static async launch(behaviour: Behaviour = {}, { auth = false } = {}, data?: Dockerode.Container): Promise<Registry> {
    const config = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: '/var/lib/registry' } },
      http: { net: 'unix', addr: '/registry.sock', secret: 'of the test', relativeurls: true },
      ...(auth && { auth: { htpasswd: { realm: 'test', path: '/htpasswd' } } }),
    };
    const archive = pack();
    archive.entry({ name: 'usr/bin/docker-registry', mode: 0o755 }, readFileSync('/usr/bin/docker-registry'));
    archive.entry({ name: 'front.cjs' }, readFileSync(join(__dirname, 'registry-front.cjs')));
    archive.entry({ name: 'registry.json' }, JSON.stringify(config)); // YAML, too
    archive.entry({ name: 'htpasswd' }, HTPASSWD);
    archive.finalize();
    const container = await docker.createContainer({
      Image: DEBIAN,
      Cmd: ['node', '/front.cjs', JSON.stringify(behaviour)],
      Tty: true, // unframed
      Labels: { 'ergon-test': 'registry' },
      HostConfig: { NetworkMode: 'host', ...(data && { VolumesFrom: [data.id] }) },
      Volumes: { '/var/lib/registry': {} },
    });
    await container.putArchive(archive, { path: '/' });
    const registry = new Registry(container);
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    createInterface(stream).on('line', (line) => registry.said.push(JSON.parse(line) as Said));
    await container.start();
    await until('the registry serves', () => registry.said.some(({ type }) => type === 'port'));
    registry.host = `127.0.0.1:${registry.said[0]?.port ?? 0}`;
    return registry;
  }

  /** The same images behind another front. */
  again(behaviour: Behaviour, options: { auth?: boolean } = {}): Promise<Registry> {
    return Registry.launch(behaviour, options, this.container);
  }

  /** An image of its own, with a layer of random bytes, that the registry has and the engine does not. @returns its digest */
  async offer(repository: string, { bytes = 1 << 20, changes = [] as string[], platform = '' } = {}): Promise<string> {
    const name = `${this.host}/${repository}:1`;
    const script = `head -c ${bytes} /dev/urandom > /layer; echo ${randomUUID()} > /name`;
    if (platform === '') await makeImage(name, { from: BUSYBOX, script, changes });
    else await importEmpty(`${this.host}/${repository}`, platform);
    const pushing = await docker.getImage(name).push({ authconfig: { ...LOGIN, serveraddress: this.host } });
    const lines = (await read(pushing)).split('\n').filter((line) => line.trim() !== '');
    const messages = lines.map((line) => JSON.parse(line) as { error?: string; aux?: { Digest?: string } });
    const digest = messages.map(({ aux }) => aux?.Digest).find(Boolean);
    await docker.getImage(name).remove({ force: true });
    if (digest === undefined) throw new Error(`It was not pushed: ${lines.join()}`);
    return digest;
  }

  /** Replaces what it keeps under a digest. */
  async spoil(digest: string, by: string): Promise<void> {
    const [algorithm = '', hex = ''] = digest.split(':');
    const path = `/var/lib/registry/docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`;
    await this.sh(`test -f ${path} && ${by.replaceAll('FILE', path)}`);
  }

  async sh(script: string): Promise<string> {
    const exec = await this.container.exec({ Cmd: ['sh', '-ec', script], AttachStdout: true, AttachStderr: true, Tty: true });
    const output = await read(await exec.start({ hijack: false }));
    const { ExitCode } = await exec.inspect();
    if (ExitCode !== 0) throw new Error(`${script}: ${ExitCode} ${output}`);
    return output;
  }

  count(type: Said['type'], part: string): number {
    return this.said.filter((each) => each.type === type && each.method === 'GET' && each.url.includes(part)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.container.remove({ force: true, v: true });
  }
}

async function importEmpty(repo: string, platform: string): Promise<void> {
  const tar = Buffer.alloc(1024) as unknown as string;
  const importing = await docker.importImage(tar, { repo, tag: '1', platform, message: randomUUID() });
  importing.resume();
  await once(importing, 'end');
}

async function read(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}
