import { z } from 'zod';

/** Folders of solutions that outlive their sandboxes. */
export const volumeOptions = z.strictObject({
  /** The most that one may take of the engine's disk, in bytes. @default 1 GiB */
  maxBytes: z
    .int()
    .min(1 << 20)
    .default(1 << 30),
});
