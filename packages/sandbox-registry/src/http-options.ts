import { z } from 'zod';

const path = '/api/ergon/registry';

/** The address of a server with an Ergon Registry, with or without the registry's own path; becomes the one with it. */
export const registryUrlSchema = z.string({ error: 'must be text' }).transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === '') {
    const base = url.origin + url.pathname.replace(/\/+$/, '');
    return base.endsWith(path) ? base : base + path;
  }
  // Without the text itself: it may hold a password.
  context.addIssue({
    code: 'custom',
    message: 'must be an http or https address such as http://127.0.0.1:8102, without a user, a password or a query',
  });
  return z.NEVER;
});

/** What follows "Bearer" in `Authorization`. */
export const registryTokenSchema = z
  .string({ error: 'must be text' })
  .regex(/^[\x21-\x7e]{1,4096}$/, 'must be 1 to 4096 visible ASCII characters without a space');

const timeoutMessage = 'must be from 1 to 600000 ms';
export const httpOptionsSchema = z.strictObject({
  url: registryUrlSchema,
  token: registryTokenSchema.optional(),
  timeoutMs: z.int(timeoutMessage).min(1, timeoutMessage).max(600_000, timeoutMessage).default(10_000),
});
