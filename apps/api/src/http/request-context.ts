import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request's work carries, also of the work that goes on after its answer. */
export interface RequestContext {
  readonly requestId: string;
  sandboxId?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

export function runInContext(context: RequestContext, work: () => void): void {
  storage.run(context, work);
}

export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** Says which sandbox the request is about. */
export function aboutSandbox(sandboxId: string): void {
  const context = storage.getStore();
  if (context !== undefined) context.sandboxId = sandboxId;
}
