import { commandField, executionIdField, ttySizeField } from '@ergon/sandbox-core';
import { z } from 'zod';
import { actions } from '../wire/examples.js';
import { eventPlace, flag, once, ticketField, yes } from '../wire/requests.js';

const defaultSize = { cols: 80, rows: 24 };

/** What a client sends, a JSON object a message. */
export const actionSchema = z
  .discriminatedUnion(
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
  )
  .meta({ description: 'What the client of a WebSocket sends', examples: [...actions] });
export type Action = z.output<typeof actionSchema>;

/** Query of the WebSocket's address. */
export const socketQuerySchema = z.strictObject({
  after: once
    .transform(eventPlace)
    .optional()
    .meta({ description: 'The id of the last message that was seen: goes on after it' }),
  raw: yes('Output as bytes instead of lines, also of what somebody else starts'),
  all: yes('Also what else the log holds, besides output, metrics, errors and the end'),
  ticket: ticketField,
});
