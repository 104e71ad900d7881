import { z } from 'zod';

/** The most units that a search is asked for. */
export const maxSearchLimit = 1000;

const limitMessage = `must be a whole number from 1 to ${maxSearchLimit}`;

/** What every registry takes of a search. */
export const searchFilterSchema = z.strictObject({
  type: z.string().max(100, 'must have at most 100 characters').optional(),
  name: z.string().max(200, 'must have at most 200 characters').optional(),
  meetsStandards: z.boolean().optional(),
  limit: z.int(limitMessage).min(1, limitMessage).max(maxSearchLimit, limitMessage).default(100),
});
