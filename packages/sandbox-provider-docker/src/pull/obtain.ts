import { SandboxError, type ReportSink } from '@ergon/sandbox-core';
import { dockerPlatform } from '../engine/architecture.js';
import type { Engine, EngineImage } from '../engine/engine.js';
import { parseImageName } from './name.js';
import type { ImagePulls } from './pulls.js';
import { pullObstacle, type PullRules } from './rules.js';

export interface ImageWish {
  readonly reference: string;
  /** As asked for, e.g. `linux/x64`, `linux`, `any`. */
  readonly platform?: string | undefined;
  /** Policy `always` concerns it. */
  readonly fresh: boolean;
  /** The sentence where it is not there and not pulled. @param obstacle why not, a sentence or nothing */
  readonly missing: (obstacle: string) => string;
  readonly signal?: AbortSignal | undefined;
  readonly report?: ReportSink | undefined;
}

/**
 * An image of the engine, pulled where the rules let it be: of the digest and for the platform that were asked for, or refused.
 * @throws SandboxError as `ImagePulls.pull`; SANDBOX009 for one that is not to be had
 */
export async function obtainImage(
  engine: Engine,
  pulls: ImagePulls,
  rules: PullRules,
  wish: ImageWish,
): Promise<EngineImage> {
  const { reference, signal, report } = wish;
  const refused = (message: string): SandboxError => new SandboxError('SANDBOX009', message, { field: 'image' });
  const name = parseImageName(reference);
  const digest = name !== null && 'digest' in name.version ? name.version.digest : null;
  const [, arch] = /^linux\/(.+)$/.exec(wish.platform ?? '') ?? [];
  let found = await engine.image(reference, signal);
  const obstacle = pullObstacle(reference, rules);
  if (found === null && obstacle !== null) throw refused(wish.missing(obstacle));
  // What a digest names does not change.
  const refresh = wish.fresh && rules.policy === 'always' && digest === null;
  if (name !== null && obstacle === null && (found === null || refresh)) {
    await pulls.pull({ reference, name, platform: arch === undefined ? null : dockerPlatform(arch) }, signal, report);
    found = await engine.image(reference, signal);
  }
  if (found === null) throw refused(`The image "${reference}" was pulled, and the Docker engine does not have it.`);
  if (digest !== null && !found.digests.includes(digest)) {
    throw refused(`What the Docker engine has as the image "${reference}" is of another digest.`);
  }
  if (arch !== undefined && found.arch !== arch) {
    throw refused(
      `The image "${reference}" is for linux/${found.arch}, and linux/${arch} is asked for. ` +
        `If its registry has it for that: "docker pull --platform ${dockerPlatform(arch)} ${reference}".`,
    );
  }
  return found;
}
