import { docker } from './engine.js';
import { BUSYBOX } from './server.js';

export interface Recipe {
  readonly from?: string;
  /** Run in it by BusyBox, or by the image's own shell. */
  readonly script?: string;
  readonly shell?: readonly string[];
  /** Lines of a Dockerfile. */
  readonly changes?: readonly string[];
}

/** An image for a test; removed by `removeImages`. */
export async function makeImage(
  name: string,
  { from = BUSYBOX, script = 'true', shell, changes }: Recipe,
): Promise<void> {
  const colon = name.lastIndexOf(':'); // a registry may have a port
  const [repo, tag] = [name.slice(0, colon), name.slice(colon + 1)];
  const base = await docker.createContainer({
    Image: from,
    Entrypoint: [...(shell ?? ['/bin/sh'])],
    Cmd: ['-c', script],
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await base.start();
    const { StatusCode } = (await base.wait()) as { StatusCode: number };
    if (StatusCode !== 0) throw new Error(`The image ${name} could not be made: ${StatusCode}.`);
    await base.commit({ repo, tag, ...(changes && { changes: changes.join('\n') }) });
  } finally {
    await base.remove();
  }
}

export async function removeImages(...names: readonly string[]): Promise<void> {
  for (const name of names) await docker.getImage(name).remove({ force: true });
}
