import { sandboxStatuses } from '@ergon/sandbox-core';
import { z } from 'zod';
import { unitFieldsSchema } from './unit.js';

// Rows of libsql's get() carry `_metadata`, which these leave out.
export const unitRowSchema = z.object({
  id: z.string(),
  created: z.string(),
  updated: z.string(),
  document: z.string(),
});
export const documentSchema = unitFieldsSchema.omit({ id: true });
export const foundRowSchema = z.object({ id: z.string(), bytes: z.int() });
export const idRowSchema = z.object({ id: z.string() });
export const typeRowSchema = z.object({ type: z.string(), units: z.int() });
export const countRowSchema = z.object({ count: z.int() });
export const recordRowSchema = z.object({ record: z.string() });
export const recordSchema = z.object({
  executionId: z.string(),
  timestamp: z.iso.datetime(),
  status: z.enum(sandboxStatuses),
  exitCode: z.int().nullable(),
  executionTimeMs: z.number().nullable(),
  provider: z.string(),
  errors: z.array(z.string()),
});
