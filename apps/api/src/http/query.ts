import { parseInput } from '@ergon/sandbox-core';
import type { RequestHandler } from 'express';
import { z } from 'zod';

const nothing = z.strictObject({});

/** For calls without query parameters: one that is there is refused by its name. */
export const noQuery: RequestHandler = (request, _response, next) => {
  parseInput(nothing, request.query);
  next();
};
