/** A WebSocket that is open, the same in Node and in browsers. */
export interface Socket {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** What was sent and has not left yet, in bytes. */
  readonly bufferedAmount: number;
  close(): void;
}

export interface SocketHandlers {
  /** Ends the opening, and fails it with its reason; not that which is open. */
  readonly signal: AbortSignal;
  readonly onMessage: (text: string) => void;
  /** Once, when it has ended for whatever reason. */
  readonly onClose: () => void;
}

/**
 * Opens one.
 * @throws SandboxApiError with what the server says, where that is known; SandboxConnectionError
 */
export type OpenSocket = (url: string, token: string | undefined, handlers: SocketHandlers) => Promise<Socket>;
