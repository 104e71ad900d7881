import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import type Dockerode from 'dockerode';
import { pack } from 'tar-stream';
import { docker } from './engine.js';
import { loadForeign } from './foreign-image.js';
import { makeImage } from './made-image.js';
import { BUSYBOX, DEBIAN } from './server.js';
import { until } from './until.js';

/** tools/with-registry.sh names it. */
const PROGRAM = process.env.ERGON_TEST_REGISTRY ?? '/usr/bin/docker-registry';

export const LOGIN = { username: 'tester', password: 'pa:ss/w+rd-of-the-test' };
/** bcrypt, the only hash that it takes. */
const HTPASSWD = `tester:$2b$04$ClWecsspJxCcv5z3KOvB6eFntchSHnsj5SEALEUk3yUGABYsw6BaK\n`;

export interface Behaviour {
  /** Of each layer that is sent. */
  readonly bytesPerSecond?: number;
  /** Of a layer it sends the first part, and then nothing. */
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
    archive.entry({ name: 'usr/bin/docker-registry', mode: 0o755 }, readFileSync(PROGRAM));
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
    const registry = new Registry(container);
    await container.putArchive(await buffer(archive), { path: '/' });
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    stream.on('error', () => undefined); // cut off with its container
    createInterface(stream)
      .on('line', (line) => registry.said.push(JSON.parse(line) as Said))
      .on('error', () => undefined); // the stream's own
    await container.start();
    await until('the registry serves', () => registry.said.some(({ type }) => type === 'port'));
    registry.host = `127.0.0.1:${registry.said[0]?.port ?? 0}`;
    return registry;
  }

  /** The same images behind another front. */
  again(behaviour: Behaviour, options: { auth?: boolean } = {}): Promise<Registry> {
    return Registry.launch(behaviour, options, this.container);
  }

  /** An image of its own, with a layer of random bytes, that the registry has and the engine does not; or one for linux/arm. @returns its digest */
  async offer(repository: string, { bytes = 1 << 20, foreign = false } = {}): Promise<string> {
    const name = `${this.host}/${repository}:1`;
    const script = `head -c ${bytes} /dev/urandom > /layer; echo ${randomUUID()} > /name`;
    if (foreign) await loadForeign(name);
    else await makeImage(name, { from: BUSYBOX, script, changes: ['LABEL ergon-test=registry'] });
    const pushing = await docker.getImage(name).push({ authconfig: { ...LOGIN, serveraddress: this.host } });
    const lines = (await read(pushing)).split('\n').filter((line) => line.trim() !== '');
    const messages = lines.map((line) => JSON.parse(line) as { error?: string; aux?: { Digest?: string } });
    const digest = messages.map(({ aux }) => aux?.Digest).find(Boolean);
    await docker.getImage(name).remove({ force: true });
    if (digest === undefined) throw new Error(`It was not pushed: ${lines.join()}`);
    return digest;
  }

  /** Names images of one repository together, by Docker's names of their processors. */
  async index(repository: string, tag: string, digests: Readonly<Record<string, string>>): Promise<void> {
    const type = 'application/vnd.docker.distribution.manifest';
    const sizes = await Promise.all(
      Object.values(digests).map(async (digest) => Number(await this.sh(`stat -c %s ${blob(digest)}`))),
    );
    const list = {
      schemaVersion: 2,
      mediaType: `${type}.list.v2+json`,
      manifests: Object.entries(digests).map(([architecture, digest], n) => ({
        mediaType: `${type}.v2+json`,
        digest,
        size: sizes[n],
        platform: { architecture, os: 'linux' },
      })),
    };
    const put = `fetch('http://${this.host}/v2/${repository}/manifests/${tag}', { method: 'PUT', headers: { 'content-type': '${type}.list.v2+json' }, body: process.argv[1] }).then(({ status }) => process.exit(status === 201 ? 0 : 1))`;
    await this.sh(`node -e "${put}" '${JSON.stringify(list)}'`);
  }

  /** Of the image's layer of random bytes, as it is transferred, and its digest. */
  async layer(digest: string): Promise<{ size: number; digest: string }> {
    const manifest = JSON.parse(await this.sh(`cat ${blob(digest)}`)) as { layers: { size: number; digest: string }[] };
    const layer = manifest.layers.at(-1);
    if (layer === undefined) throw new Error('The image has no layer.');
    return layer;
  }

  /** Replaces what it keeps under a digest. */
  async spoil(digest: string, script: (path: string) => string): Promise<void> {
    await this.sh(`test -f ${blob(digest)}; ${script(blob(digest))}`);
  }

  async sh(script: string): Promise<string> {
    const exec = await this.container.exec({
      Cmd: ['sh', '-ec', script],
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    });
    const output = await read(await exec.start({ Tty: true }));
    const { ExitCode } = await exec.inspect();
    if (ExitCode !== 0) throw new Error(`${script}: ${ExitCode} ${output}`);
    return output;
  }

  count(type: Said['type'], part: string, method = 'GET'): number {
    return this.said.filter((each) => each.type === type && each.method === method && each.url.includes(part)).length;
  }

  /** With the images that the engine has from it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { RepoTags, RepoDigests } of await docker.listImages()) {
      const names = [...((RepoTags as string[] | null) ?? []), ...((RepoDigests as string[] | null) ?? [])];
      const own = names.filter((name) => name.startsWith(`${this.host}/`) && !name.endsWith(':<none>'));
      // Without its tag it may be gone by its digest.
      for (const name of own) await docker.getImage(name).remove({ force: true }).catch(unlessGone);
    }
    await this.container.remove({ force: true, v: true });
  }
}

function blob(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `/var/lib/registry/docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`;
}

function unlessGone(error: { statusCode?: number }): void {
  if (error.statusCode !== 404) throw error as Error;
}

async function read(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}
