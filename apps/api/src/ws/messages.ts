import { commandField, executionIdField, ttySizeField } from '@ergon/sandbox-core';
import { z } from 'zod';
import { parseEventId } from '../wire/events.js';

const flag = z.boolean({ error: 'must be true or false' });
const defaultSize = { cols: 80, rows: 24 };

/** What a client sends, a JSON object a message. */
export const actionSchema = z.discriminatedUnion(
  'action',
  [
    z.strictObject({
      action: z.literal('execute'),
      command: commandField.optional(),
      test: flag.optional(),
      /** True: open, for `stdin`; a text: given whole. */
      stdin: z.union([flag, z.string()], { error: 'must be true, false or text' }).optional(),
      tty: flag.optional(),
      cols: ttySizeField.shape.cols.default(defaultSize.cols),
      rows: ttySizeField.shape.rows.default(defaultSize.rows),
      raw: flag.default(false),
      execution_id: executionIdField.optional(),
    }),
    z.strictObject({ action: z.literal('stop') }),
    z.strictObject({
      action: z.literal('stdin'),
      data: z.string({ error: 'must be text' }),
      encoding: z.enum(['utf8', 'base64'], { error: 'must be utf8 or base64' }).default('utf8'),
    }),
    z.strictObject({ action: z.literal('stdin_close') }),
    z.strictObject({ action: z.literal('resize'), ...ttySizeField.shape }),
  ],
  { error: 'must be execute, stop, stdin, stdin_close or resize' },
);
export type Action = z.output<typeof actionSchema>;

const once = z.string({ error: 'must be given once' });
const yes = once
  .pipe(z.enum(['true', 'false'], { error: 'must be true or false' }))
  .transform((text) => text === 'true');

/** Query of the WebSocket's address. */
export const socketQuerySchema = z.strictObject({
  after: once
    .transform((text, context) => {
      const id = parseEventId(text);
      if (id !== null) return id;
      context.addIssue({ code: 'custom', message: 'must be the id of an event, <execution_id>:<number>' });
      return z.NEVER;
    })
    .optional(),
  /** Bytes instead of lines, of executions that somebody else starts too. */
  raw: yes.optional(),
  /** All that the log holds, besides output, metrics, errors and the end. */
  all: yes.optional(),
  ticket: once.optional(),
});
