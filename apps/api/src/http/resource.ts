import type { RequestHandler, Router } from 'express';
import { HttpError } from './problem.js';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface ResourceOptions {
  /** HEAD answers as GET does, without its body. False where GET has an effect. @default true */
  readonly head?: boolean;
}

/** A path with its methods; any other method is answered 405 with those that it has. Paths stand before patterns that match them. */
export function resource(
  router: Router,
  path: string,
  handlers: Partial<Record<Method, RequestHandler | RequestHandler[]>>,
  { head = true }: ResourceOptions = {},
): void {
  const methods = Object.keys(handlers) as Method[];
  const allow = [...methods, ...(handlers.get !== undefined && head ? ['head'] : [])].join(', ').toUpperCase();
  const notAllowed: RequestHandler = (request, response) => {
    if (request.method === 'OPTIONS') {
      response.set('Allow', allow).status(204).end();
      return;
    }
    const detail = `${request.method} is not a method of ${request.baseUrl}${request.path}; it has ${allow}.`;
    throw new HttpError(405, 'Method not allowed', detail, { headers: { Allow: allow } });
  };
  const route = router.route(path);
  if (!head) route.head(notAllowed);
  for (const method of methods) route[method](...[handlers[method] ?? []].flat());
  route.all(notAllowed);
}
