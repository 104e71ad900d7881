/** What a TLS connection to an engine is made with; texts in PEM. */
export interface EndpointTls {
  /** False: the engine's certificate is not checked, because a context or DOCKER_TLS says so. */
  readonly verify: boolean;
  /** The only authorities that are believed. Absent: the system's. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface SocketAddress {
  readonly kind: 'socket';
  /** A unix socket, or a named pipe of Windows. */
  readonly path: string;
}

export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
  readonly tls?: EndpointTls;
}

export interface SshAddress {
  readonly kind: 'ssh';
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  /** The engine's socket over there, where it is not what `docker` over there takes by itself. */
  readonly socket?: string;
}

export type EngineAddress = SocketAddress | TcpAddress | SshAddress;

/** Where an engine is, and by whose word. */
export interface Endpoint {
  readonly address: EngineAddress;
  /** E.g. `DOCKER_HOST` or `The context "far"`: the subject of sentences. */
  readonly source: string;
}
