import type { Logger, SandboxFactory, SandboxProviderDefinition, SandboxRunner } from '@ergon/sandbox-core';
import type { Registry } from '@ergon/sandbox-registry';
import type { InjectionToken } from 'tsyringe';
import type { ServerConfig } from './config/config.js';

/** What the container holds; register another value under one of these, before the runner is started, to replace it. */
export const tokens = {
  config: Symbol('config') as InjectionToken<ServerConfig>,
  logger: Symbol('logger') as InjectionToken<Logger>,
  registry: Symbol('registry') as InjectionToken<Registry>,
  /** The kinds of providers to make at the start. */
  providers: Symbol('providers') as InjectionToken<readonly SandboxProviderDefinition[]>,
  /** The providers made, and which one serves a request. */
  factory: Symbol('factory') as InjectionToken<SandboxFactory>,
  runner: Symbol('runner') as InjectionToken<SandboxRunner>,
};
