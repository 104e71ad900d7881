/** Parts of the server's answers that are used here, as its OpenAPI document has them. */
export interface ResultAnswer {
  readonly status: string;
  readonly exit_code: number | null;
  readonly cause: string | null;
  readonly errors: readonly string[];
  readonly stdout: string | null;
  readonly stderr: string | null;
}

export interface HistoryRow {
  readonly execution_id: string;
  readonly sandbox_id: string;
  readonly solution_id: string;
  readonly status: string;
  readonly exit_code: number | null;
  readonly started: string;
  readonly execution_time: number | null;
  readonly provider: string;
}

export interface SearchAnswer {
  readonly results: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly updated: string;
  }[];
}

export type ProvidersAnswer = Readonly<
  Record<string, { readonly available: boolean; readonly is_default: boolean; readonly reason?: string | null }>
>;

/** A line of the kept log. */
export interface LoggedEvent {
  readonly type: string;
  readonly line?: string;
  readonly stream?: 'stdout' | 'stderr';
  readonly partial?: boolean;
  readonly message?: string;
}
