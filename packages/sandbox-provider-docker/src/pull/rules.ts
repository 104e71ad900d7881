import { z } from 'zod';
import { canonical, parseImageName } from './name.js';

const source = z
  .string()
  .regex(
    /^(localhost|(?=[^/]*[.:])[a-z0-9][a-z0-9.-]*)(:\d+)?(\/[a-z0-9._-]+)*$/,
    'must be a registry, or a part of one: docker.io, registry.example:5000/team',
  );

/** When the engine gets an image from a registry, and from which. */
export const pullOptions = z.strictObject({
  /**
   * `missing`: an image that the engine does not have. `always`: the image of each sandbox, unless it is named by its digest; only what changed is
   * transferred. @default "missing"
   */
  policy: z.enum(['never', 'missing', 'always']).optional(),
  /**
   * Where images come from that a request or a solution names: registries, or parts of them. The engine asks there with this server's credentials, from its own
   * network. Images of the configuration come from anywhere. @default ["docker.io"]
   */
  from: z.array(source).optional(),
  /** For one image, in ms. @default 1200000 */
  timeoutMs: z.int().min(1000).max(86_400_000).optional(),
  /** Of one image's layers, as they are transferred. @default 10 GiB */
  maxBytes: z.int().min(1).optional(),
});

export type PullOptions = z.output<typeof pullOptions>;

export interface PullRules {
  readonly policy: 'never' | 'missing' | 'always';
  readonly from: readonly string[];
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Images that the configuration names, canonical. */
  readonly configured: ReadonlySet<string>;
}

/** @param configured references */
export function pullRules(options: PullOptions, configured: readonly string[]): PullRules {
  const { policy = 'missing', from = ['docker.io'], timeoutMs = 20 * 60_000, maxBytes = 10 * 1024 ** 3 } = options;
  return { policy, from, timeoutMs, maxBytes, configured: new Set(configured.map(canonical)) };
}

/** Why an image is not pulled, a sentence; empty where there is nothing to say beyond that it is not there. Null: it is pulled. */
export function pullObstacle(reference: string, rules: PullRules): string | null {
  const name = parseImageName(reference);
  if (name === null || rules.policy === 'never') return '';
  if (rules.configured.has(canonical(reference))) return null;
  const place = `${name.registry}/${name.repository}`;
  if (rules.from.some((each) => place === each || place.startsWith(`${each}/`))) return null;
  return `This server does not pull "${place}" for a request or a solution: "pull.from" in the options of its Docker provider names what it does.`;
}
