import type { Logger } from './logger.js';
import type { SandboxProvider } from './provider.js';

/**
 * The contract's number. Under one number nothing is taken away or made required: what comes later is an optional method that refuses with
 * SANDBOX009 until overridden, or an optional field.
 */
export const contractVersion = 1;

/** What a host hands to a provider. */
export interface ProviderPorts {
  readonly logger: Logger;
  /**
   * A folder that the provider may fill, below `<stateDir>/<instanceId>/<sandboxId>`; absolute. It removes what it made there: the sandbox's
   * folder with the sandbox, and that of the instance with its last.
   */
  readonly stateDir: string;
  /** Tells the host that a probe would now answer otherwise: the engine went away, an image came. Else it is asked now and then. */
  readonly changed?: () => void;
}

/** The part of Standard Schema v1 (standardschema.dev) that a host uses: zod, valibot and arktype schemas fit. */
export interface StandardSchema<Output> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  };
}
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/** The default export of a provider package. */
export interface SandboxProviderDefinition<Options = unknown> {
  readonly name: string;
  readonly contract: typeof contractVersion;
  readonly options: StandardSchema<Options>;
  create(options: Options, ports: ProviderPorts): SandboxProvider;
}
