import type { WireEvent } from '../events/event.js';
import { followLog } from '../events/follow.js';
import type { FollowOptions } from '../events/follow.js';
import type { Context } from '../execution.js';
import type { Answer, CallOptions, Method, Operation } from '../http.js';
import { persistWatched } from '../retry.js';
import type { paths } from './openapi.js';

export interface LogOptions extends FollowOptions {
  /** Output as `data` events, its bytes in base64, instead of lines. */
  readonly raw?: boolean;
}

/** The server's own words: the calls and events of its OpenAPI document, with the names that they have there. */
export class Wire {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  /** A call whose input and answer are JSON. @throws SandboxApiError, SandboxConnectionError */
  call<Path extends keyof paths, M extends Method>(
    method: M,
    path: Path,
    options: CallOptions<Operation<Path, M>>,
  ): Promise<Answer<Operation<Path, M>>> {
    return this.#context.http.call(method, path, options);
  }

  /** The same for a call that may be made more than once: it is made again while nothing answers. */
  persistentCall<Path extends keyof paths, M extends Method>(
    method: M,
    path: Path,
    options: CallOptions<Operation<Path, M>>,
  ): Promise<Answer<Operation<Path, M>>> {
    const { http, reconnect } = this.#context;
    return persistWatched(reconnect, options.signal, (signal) => http.call(method, path, { ...options, signal }));
  }

  /** The kept log of an execution to its end: as `client.events` gives it, with phases and the like. */
  events(executionId: string, options: LogOptions = {}): AsyncGenerator<WireEvent, void, undefined> {
    return followLog(this.#context.http, this.#context.reconnect, executionId, options);
  }
}
