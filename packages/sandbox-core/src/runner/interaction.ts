import type { TtySize } from '../contract/provider.js';
import { SandboxError } from '../contract/error.js';

/** What may wait for a program that does not read, in bytes. */
const maxWaitingBytes = 16 * 1024 ** 2;

interface Waiting<T> {
  readonly value: T;
  readonly taken: () => void;
  readonly refused: (error: SandboxError) => void;
}

/**
 * What people type to a running program, from any number of hands. A write resolves once the program's side has taken it, so that a
 * fast writer waits for a slow program.
 */
export class InputChannel implements AsyncIterableIterator<Uint8Array> {
  readonly #queue: Waiting<Uint8Array>[] = [];
  #waitingBytes = 0;
  #given: Waiting<Uint8Array> | null = null;
  #reader: ((result: IteratorResult<Uint8Array>) => void) | null = null;
  #closed = false;
  #gone = false;

  /** @throws SandboxError SANDBOX008 (its end was sent, or the program takes no more), SANDBOX004 (too much waits already) */
  write(data: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(new SandboxError('SANDBOX008', 'stdin: its end was sent already.'));
    if (this.#gone) return Promise.reject(noMore());
    if (data.length === 0) return Promise.resolve();
    if (this.#waitingBytes + data.length > maxWaitingBytes) {
      return Promise.reject(
        new SandboxError(
          'SANDBOX004',
          `stdin: ${this.#waitingBytes} bytes wait already for a program that does not read.`,
        ),
      );
    }
    this.#waitingBytes += data.length;
    return new Promise((taken, refused) => {
      this.#queue.push({ value: data, taken, refused });
      this.#hand();
    });
  }

  /** Sends its end, after what was written. Again is harmless. */
  close(): void {
    this.#closed = true;
    this.#hand();
  }

  #hand(): void {
    const reader = this.#reader;
    if (reader === null) return;
    const next = this.#queue.shift();
    if (next === undefined && !this.#closed) return;
    this.#reader = null;
    if (next === undefined) {
      reader({ done: true, value: undefined });
      return;
    }
    this.#given = next;
    reader({ done: false, value: next.value });
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const given = this.#given;
    this.#given = null;
    if (given !== null) {
      this.#waitingBytes -= given.value.length;
      given.taken();
    }
    if (this.#gone) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#hand();
    });
  }

  /** The program takes no more: whatever waits is told so. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#gone = true;
    const waiting = [...(this.#given === null ? [] : [this.#given]), ...this.#queue.splice(0)];
    this.#given = null;
    for (const { refused } of waiting) refused(noMore());
    this.#reader?.({ done: true, value: undefined });
    this.#reader = null;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The newest size of a terminal; one that was overtaken is never seen. */
export class ResizeChannel implements AsyncIterableIterator<TtySize> {
  #newest: TtySize | null = null;
  #reader: ((result: IteratorResult<TtySize>) => void) | null = null;
  #gone = false;

  resize(size: TtySize): void {
    if (this.#reader === null) {
      this.#newest = size;
      return;
    }
    this.#reader({ done: false, value: size });
    this.#reader = null;
  }

  next(): Promise<IteratorResult<TtySize>> {
    const value = this.#newest;
    this.#newest = null;
    if (this.#gone) return Promise.resolve({ done: true, value: undefined });
    if (value !== null) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => (this.#reader = resolve));
  }

  return(): Promise<IteratorResult<TtySize>> {
    this.#gone = true;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = null;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function noMore(): SandboxError {
  return new SandboxError('SANDBOX008', 'stdin: the program takes no more input.');
}
