import { z } from 'zod';
import {
  cpuField,
  diskField,
  environmentField,
  gpusField,
  imageField,
  memoryField,
  networkField,
  outputField,
  pidsField,
  providerField,
  runtimeField,
  timeoutField,
  volumesField,
} from './fields.js';
import { servicesField } from './services.js';

const limitFields = {
  /** Seconds. @default 300 */
  timeout: timeoutField.optional(),
  /** E.g. "512m". @default "4g" */
  memoryLimit: memoryField.optional(),
  /** @default 4 */
  cpuLimit: cpuField.optional(),
  /** @default "1g" */
  diskLimit: diskField.optional(),
  /** @default 256 */
  pidsLimit: pidsField.optional(),
  /** At most "1g". @default "64m" */
  outputLimit: outputField.optional(),
};

/** Limits to change on a sandbox that is there; absent: stays. */
export const limitsRequestSchema = z.strictObject(limitFields);

const requestSchema = z.strictObject({
  /** Wire name of the provider to use. Default: chosen. */
  provider: providerField.optional(),
  ...limitFields,
  environment: environmentField.optional(),
  /** @default "none" */
  network: networkField.optional(),
  image: imageField.optional(),
  runtime: runtimeField.optional(),
  volumes: volumesField.optional(),
  gpus: gpusField.optional(),
  services: servicesField.optional(),
  /** Refuse rather than fall back to another provider or to a best-effort limit. @default false */
  strict: z.boolean({ error: 'must be true or false' }).optional(),
  /** Start the solution's command at once. @default false */
  run: z.boolean({ error: 'must be true or false' }).optional(),
});

export type LimitsRequest = z.input<typeof limitsRequestSchema>;
export type ParsedLimits = z.output<typeof limitsRequestSchema>;

/** What a caller may ask of a sandbox. */
export type SandboxRequest = z.input<typeof requestSchema>;
/** The same, with sizes in bytes. */
export type ParsedRequest = z.output<typeof requestSchema>;

export { requestSchema };
