import { z } from 'zod';

/** ISO 8601, with or without a zone. */
export const timeSchema = z.iso.datetime({ offset: true, local: true, error: 'must be a time in ISO 8601' });

/** In the form that ends in Z. Without a zone it is UTC, as Python's `utcnow().isoformat()` writes it. */
export function toUtc(time: string): string {
  return new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`).toISOString();
}
