/** What a TLS connection to an engine is made with; texts in PEM. */
export interface EndpointTls {
  /** False: the engine's certificate is not checked (a context's SkipTLSVerify, or DOCKER_TLS without DOCKER_TLS_VERIFY). */
  readonly verify: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Where an engine is, and by whose word. */
export type Endpoint = (
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls?: EndpointTls;
      readonly path: string;
    }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port?: number;
      readonly user?: string;
      /** The engine's socket over there, where it is not the default one of `docker` over there. */
      readonly socket?: string;
    }
) & {
  /** E.g. `DOCKER_HOST` or `context "far"`: for sentences. */
  readonly source: string;
};
