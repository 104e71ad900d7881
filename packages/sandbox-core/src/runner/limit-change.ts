import { describeLimit, fieldOf, valueOf } from '../config/limits.js';
import type { ProviderCapabilities } from '../contract/capabilities.js';
import type { LimitName, SandboxLimits } from '../contract/config.js';
import { SandboxError } from '../contract/error.js';
import type { LogEntry } from '../contract/events.js';

/** The limits of a sandbox that are in force, after a change. */
export interface AdjustedLimits {
  readonly limits: SandboxLimits;
  /** What was changed otherwise than asked for, in sentences. */
  readonly notes: readonly string[];
}

/** Tells a run of limits that were changed. */
export function changeOf(from: SandboxLimits, to: SandboxLimits, changed: readonly LimitName[]): LogEntry {
  const described = changed.map((limit) => {
    const [before, now] = [from, to].map((limits) => describeLimit(limit, valueOf(limits, limit)));
    return `The ${limit} limit was changed from ${before} to ${now}.`;
  });
  return {
    type: 'limits',
    message: described.join(' '),
    limits: Object.fromEntries(changed.map((limit) => [limit, valueOf(to, limit)])),
  };
}

/** SANDBOX009, with what can be changed. */
export function notAdjustable(
  provider: string,
  limit: LimitName,
  { adjustable = [] }: ProviderCapabilities,
): SandboxError {
  const field = fieldOf(limit);
  const others = adjustable.map(fieldOf).join(', ');
  const possible = others === '' ? 'It changes none but output_limit.' : `It changes ${others} and output_limit.`;
  return new SandboxError('SANDBOX009', `${field}: ${provider} does not change it on a live sandbox. ${possible}`, {
    field,
  });
}
