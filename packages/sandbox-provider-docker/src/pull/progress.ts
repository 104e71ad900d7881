import { z } from 'zod';

// Engine API, POST /images/create: one JSON value a line (docker/docker, pkg/jsonmessage).
const messageSchema = z.looseObject({
  id: z.string().optional(),
  status: z.string().optional(),
  progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).optional(),
  error: z.string().optional(),
  errorDetail: z.looseObject({ message: z.string().optional() }).optional(),
});

export type PullMessage = z.output<typeof messageSchema>;

/** @throws where an engine says something else */
export function parseMessage(line: string): PullMessage {
  return messageSchema.parse(JSON.parse(line));
}

interface Layer {
  transferred: number;
  unpacked: number;
  /** As it is transferred. Null: not told yet. */
  total: number | null;
  retrying: boolean;
}

/** Bytes of those layers that the engine did not have, compressed, as they are transferred. */
export interface PullState {
  readonly transferred: number;
  readonly unpacked: number;
  /** Null: of some layer the size is not known yet. */
  readonly total: number | null;
  /** What is known of the sizes. */
  readonly atLeast: number;
  readonly layers: number;
  /** How often a transfer began anew. */
  readonly retries: number;
}

/** Adds up what an engine tells of the layers of one image. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  #retries = 0;

  push({ id, status, progressDetail }: PullMessage): void {
    if (id === undefined) return;
    const { current, total } = progressDetail ?? {};
    if (status === 'Already exists') this.#layers.delete(id);
    if (status === 'Pulling fs layer')
      this.#layers.set(id, { transferred: 0, unpacked: 0, total: null, retrying: false });
    const layer = this.#layers.get(id);
    if (layer === undefined) return; // not of a layer: `Pulling from …` has a tag as its id
    if (total !== undefined && total > 0) layer.total = total;
    // It counts the seconds down, with a line for each.
    const retrying = status?.startsWith('Retrying') === true;
    if (retrying && !layer.retrying) this.#retries += 1;
    layer.retrying = retrying;
    if (status === 'Downloading') layer.transferred = current ?? 0;
    if (status === 'Verifying Checksum' || status === 'Download complete' || status === 'Extracting') {
      layer.transferred = layer.total ?? layer.transferred;
    }
    if (status === 'Extracting') layer.unpacked = current ?? 0;
    if (status === 'Pull complete') {
      layer.total ??= Math.max(layer.transferred, layer.unpacked);
      layer.transferred = layer.unpacked = layer.total;
    }
  }

  get state(): PullState {
    const layers = [...this.#layers.values()];
    const sum = (of: (layer: Layer) => number): number => layers.reduce((all, layer) => all + of(layer), 0);
    const atLeast = sum(({ total, transferred }) => total ?? transferred);
    return {
      transferred: sum(({ transferred }) => transferred),
      unpacked: sum(({ unpacked }) => unpacked),
      total: layers.every(({ total }) => total !== null) ? atLeast : null,
      atLeast,
      layers: layers.length,
      retries: this.#retries,
    };
  }
}
