import { z } from 'zod';

const units = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;
const pattern = /^(\d+(?:\.\d+)?)([bkmgt]?)$/i;
const largest = 1024 ** 5;

/** Bytes of "512m", "4g", "1.5G", "65536". Null: no such size, or above 1 PiB. Powers of 1024, as Docker's `--memory` counts. */
export function parseSize(text: string): number | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const [, number, unit] = match as unknown as [string, string, string];
  const bytes = Math.floor(Number(number) * units[(unit.toLowerCase() || 'b') as keyof typeof units]);
  return bytes <= largest ? bytes : null;
}

/** "4 GiB", "512 MiB", "1.5 KiB", "17 bytes". */
export function formatSize(bytes: number): string {
  for (const [unit, size] of [
    ['TiB', units.t],
    ['GiB', units.g],
    ['MiB', units.m],
    ['KiB', units.k],
  ] as const) {
    if (bytes >= size) return `${String(Number((bytes / size).toFixed(2)))} ${unit}`;
  }
  return bytes === 1 ? '1 byte' : `${String(bytes)} bytes`;
}

/** Parses a size string into bytes, within bounds (bytes). */
export function sizeSchema(bounds: { min?: number; max?: number } = {}): z.ZodType<number, string> {
  const { min = 1, max = largest } = bounds;
  const message = `must be a size such as "512m" or "4g", from ${formatSize(min)} to ${formatSize(max)}`;
  return z.string({ error: message }).transform((text, context) => {
    const bytes = parseSize(text);
    if (bytes !== null && bytes >= min && bytes <= max) return bytes;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}
