/* eslint-disable */
// Made by "npm run generate" from the server's /openapi.json (Ergon Sandbox). Not to be edited.

export interface paths {
  '/api/ergon/registry/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** A unit, with its last test results */
    get: operations['getUnit'];
    put?: never;
    post?: never;
    /** Delete a unit on which no other depends */
    delete: operations['deleteUnit'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/registry/health': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What the registry holds */
    get: operations['registryHealth'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/registry/search': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Units by type and name */
    get: operations['searchUnits'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/registry/store': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Store a unit; one that is there under its id is replaced */
    post: operations['storeUnit'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/registry/types': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The types of units that are there */
    get: operations['listTypes'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/{sandbox_id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /** Stop and remove a sandbox; its results stay */
    delete: operations['removeSandbox'];
    options?: never;
    head?: never;
    /**
     * Change the limits of a live sandbox, where its provider can
     * @description Of what runs, and of what is run later. What is not named stays; all that is named is changed, or nothing. Lowered to the ceiling of the server and to its machine. What the provider can change is its capability `adjustable`; `output_limit`, and `timeout` while nothing runs, can be changed always. A `memory_limit` below what is in use is refused.
     */
    patch: operations['changeLimits'];
    trace?: never;
  };
  '/api/ergon/sandbox/{sandbox_id}/files': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * A folder or a file of the sandbox
     * @description Below `workspace/` or `output/`; a path that begins with neither is below workspace. A folder lists, or comes as an archive; a file gives its bytes, or the range that is asked for. Links are never followed.
     */
    get: operations['getFilesAtRoot'];
    /** Write a file, whole or not at all; make a folder; unpack an archive into a folder */
    put: operations['putFilesAtRoot'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/{sandbox_id}/files/{path}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * A folder or a file of the sandbox
     * @description Below `workspace/` or `output/`; a path that begins with neither is below workspace. A folder lists, or comes as an archive; a file gives its bytes, or the range that is asked for. Links are never followed.
     */
    get: operations['getFiles'];
    /** Write a file, whole or not at all; make a folder; unpack an archive into a folder */
    put: operations['putFiles'];
    /** Move a file or a folder */
    post: operations['renameFile'];
    /** Remove a file, a link, or a folder with all in it */
    delete: operations['removeFile'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/{sandbox_id}/stop': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** End what runs, and keep the sandbox */
    post: operations['stopExecution'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/active': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The sandboxes that are here */
    get: operations['listSandboxes'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/cleanup-all': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Remove every sandbox, running or not */
    post: operations['removeSandboxes'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/execute': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Follow a sandbox's execution, as EventSource does
     * @description Starts the default command if nothing ever ran. Never runs a solution twice. A ticket stands in for the token.
     */
    get: operations['follow'];
    put?: never;
    /** Run a command, and follow it */
    post: operations['execute'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/executions/{execution_id}/events': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The kept events of an execution; of one that runs: until its end */
    get: operations['getEvents'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/health': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whether a provider works */
    get: operations['health'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/history': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Executions, newest first */
    get: operations['listExecutions'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/providers': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What each provider can do on this machine */
    get: operations['listProviders'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/results/{sandbox_id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What is known of an execution */
    get: operations['getResult'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/results/{sandbox_id}/files': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What /output held when an execution ended; kept after the sandbox is gone
     * @description A folder lists, or comes as an archive; a file gives its bytes, or the range that is asked for.
     */
    get: operations['getOutputAtRoot'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/results/{sandbox_id}/files/{path}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What /output held when an execution ended; kept after the sandbox is gone
     * @description A folder lists, or comes as an archive; a file gives its bytes, or the range that is asked for.
     */
    get: operations['getOutput'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/test': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Open a sandbox for a solution
     * @description Answers once the request is valid, admitted and its provider chosen; the preparation goes on, and `execute` waits for it.
     */
    post: operations['openSandbox'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/ticket': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * A ticket for what cannot send headers
     * @description For one sandbox: `GET /execute` and its WebSocket. To be first used within a minute; then good until a minute after the end of its execution.
     */
    post: operations['createTicket'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/volumes': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The folders of solutions that outlive their sandboxes
     * @description Counts what each holds, which takes a second, or more where they hold many files.
     */
    get: operations['listVolumes'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/volumes/{solution_id}/{name}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /** Remove a volume with all that it holds */
    delete: operations['removeVolume'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/api/ergon/sandbox/ws/{sandbox_id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * A WebSocket: commands, their input, terminals, output
     * @description Messages in: `Action`. Messages out: `Event`. Follows what runs from its start, or goes on after the event named by `after`. A ticket stands in for the token.
     */
    get: operations['connect'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /**
     * @description What the client of a WebSocket sends
     * @example {
     *       "action": "execute",
     *       "command": [
     *         "python",
     *         "-i"
     *       ],
     *       "stdin": true
     *     }
     * @example {
     *       "action": "stdin",
     *       "data": "6 * 7\n"
     *     }
     * @example {
     *       "action": "stdin_close"
     *     }
     * @example {
     *       "action": "resize",
     *       "cols": 132,
     *       "rows": 43
     *     }
     * @example {
     *       "action": "stop"
     *     }
     */
    Action:
      | {
          /** @constant */
          action: 'execute';
          /** @default 80 */
          cols: number;
          command?: string[];
          execution_id?: string;
          /** @default false */
          raw: boolean;
          /** @default 24 */
          rows: number;
          stdin?: boolean | string;
          test?: boolean;
          tty?: boolean;
        }
      | {
          /** @constant */
          action: 'stop';
        }
      | {
          /** @constant */
          action: 'stdin';
          data: string;
          /**
           * @default utf8
           * @enum {string}
           */
          encoding: 'utf8' | 'base64';
        }
      | {
          /** @constant */
          action: 'stdin_close';
        }
      | {
          /** @constant */
          action: 'resize';
          cols: number;
          rows: number;
        };
    ActiveSandbox: {
      provider: string;
      /**
       * @description The id of a sandbox
       * @example 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
       */
      sandbox_id: string;
      /** @example word-count */
      solution_id: string;
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      started: string;
      status: components['schemas']['Status'];
    };
    Capabilities: {
      /**
       * @description Limits that can be changed on a live sandbox; absent: none
       * @example [
       *       "memory"
       *     ]
       */
      adjustable?: string[];
      details: {
        [key: string]: string;
      };
      files: boolean;
      gpu: boolean;
      images: boolean;
      /** @enum {string} */
      isolation: 'none' | 'seatbelt' | 'namespaces' | 'container' | 'virtual-machine';
      limits: {
        [key: string]: 'hard' | 'best-effort' | 'none';
      };
      machine: {
        cpus: number | null;
        disk: number | null;
        memory: number | null;
      };
      mounts: boolean;
      network: ('none' | 'allowlist' | 'full' | 'named')[];
      /** @description Names of the networks of mode `named` */
      networks?: string[];
      persistence: boolean;
      platforms: string[];
      runtimes: string[];
      services: boolean;
      signals: boolean;
      stdin: boolean;
      tty: boolean;
      usage: boolean;
    };
    /**
     * @description How an execution ended
     * @enum {string}
     */
    Cause: 'exited' | 'signalled' | 'timeout' | 'stopped' | 'limit' | 'lost' | 'not-started';
    /** @enum {string} */
    ErrorCode:
      | 'SANDBOX001'
      | 'SANDBOX002'
      | 'SANDBOX003'
      | 'SANDBOX004'
      | 'SANDBOX005'
      | 'SANDBOX006'
      | 'SANDBOX007'
      | 'SANDBOX008'
      | 'SANDBOX009'
      | 'SANDBOX010'
      | 'SANDBOX011'
      | 'SANDBOX012'
      | 'SANDBOX013';
    Event:
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id: string;
          /** @example [stdout] hello */
          line: string;
          /** @constant */
          partial?: true;
          /** @enum {string} */
          stream: 'stdout' | 'stderr';
          /** @constant */
          type: 'output';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          /**
           * Format: base64
           * @example aGVsbG8K
           */
          data: string;
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id: string;
          /** @enum {string} */
          stream: 'stdout' | 'stderr';
          /** @constant */
          type: 'data';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          cpu_time: number | null;
          disk: number | null;
          disk_read?: number | null;
          disk_written?: number | null;
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id: string;
          memory: number | null;
          memory_peak: number | null;
          network_received?: number | null;
          network_sent?: number | null;
          pids: number | null;
          /** @constant */
          type: 'metrics';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id: string;
          /** @description Their values from now on: bytes, CPUs, a count, ms */
          limits: {
            [key: string]: number;
          };
          message: string;
          /** @constant */
          type: 'limits';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at?: number;
          code?: components['schemas']['ErrorCode'];
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id?: string;
          message: string;
          /** @constant */
          type: 'error';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          cause: components['schemas']['Cause'];
          /**
           * @description A number that was seen; 128 + n for a signal n that the program met by itself; null: ended by us, or it never started
           * @example 0
           */
          exit_code: number | null;
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id: string;
          status: components['schemas']['Status'];
          /** @constant */
          type: 'complete';
        }
      | {
          /**
           * @description The id of an execution
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70
           */
          execution_id: string;
          tty: boolean;
          /** @constant */
          type: 'started';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          /**
           * @description `<execution_id>:<number>`; names an event for ever
           * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70:7
           */
          id: string;
          /** @example phase */
          type: string;
        };
    FileEntry: {
      /**
       * @description Permission bits, octal
       * @example 644
       */
      mode: string;
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      modified: string;
      name: string;
      size: number | null;
      /** @enum {string} */
      type: 'file' | 'folder' | 'link' | 'other';
    };
    HistoryRow: {
      /**
       * @description The id of an execution
       * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70
       */
      execution_id: string;
      execution_time: number | null;
      /**
       * @description A number that was seen; 128 + n for a signal n that the program met by itself; null: ended by us, or it never started
       * @example 0
       */
      exit_code: number | null;
      provider: string;
      /**
       * @description The id of a sandbox
       * @example 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
       */
      sandbox_id: string;
      /** @example word-count */
      solution_id: string;
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      started: string;
      status: components['schemas']['Status'];
    };
    LimitHit: {
      /** @description How it is known: a counter of the kernel, or a cause of ours */
      evidence: string;
      /** @example memory */
      limit: string;
      value: number;
    };
    /** @description The limits in force; sizes in bytes */
    Limits: {
      /** @description CPUs */
      cpu_limit: number;
      /**
       * @description Bytes
       * @example 4096
       */
      disk_limit: number;
      /**
       * @description Bytes
       * @example 4096
       */
      memory_limit: number;
      /**
       * @description Bytes
       * @example 4096
       */
      output_limit: number;
      /** @example 1 */
      pids_limit: number;
      /** @description Seconds */
      timeout: number;
    };
    Listing: {
      entries: components['schemas']['FileEntry'][];
      path: string;
      /** @description There are more than were asked for */
      truncated: boolean;
    };
    /** @description Null: not measured */
    Metrics: {
      cpu_time: number | null;
      disk_read?: number | null;
      disk_written?: number | null;
      memory_peak: number | null;
      network_received?: number | null;
      network_sent?: number | null;
      prepare_time: number | null;
      provider: string;
      samples: {
        /** @description Milliseconds since the start of the execution */
        at: number;
        cpu_time: number | null;
        disk: number | null;
        disk_read?: number | null;
        disk_written?: number | null;
        memory: number | null;
        memory_peak: number | null;
        network_received?: number | null;
        network_sent?: number | null;
        pids: number | null;
      }[];
      wall_time: number | null;
    };
    OutputFile: {
      mode: string;
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      modified: string;
      path: string;
      /**
       * @description Bytes
       * @example 4096
       */
      size: number;
    };
    /** @description What /output held when an execution ended; paths are below it */
    OutputListing: {
      /**
       * @description The id of an execution
       * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70
       */
      execution_id: string;
      files: components['schemas']['OutputFile'][];
      path: string;
      /**
       * @description The id of a sandbox
       * @example 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
       */
      sandbox_id: string;
    };
    /** @description RFC 9457 */
    Problem: {
      code?: components['schemas']['ErrorCode'];
      /** @description A sentence for people */
      detail: string;
      /** @description The input field at fault */
      field?: string;
      status: number;
      title: string;
      type: string;
    };
    Provider: {
      available: boolean;
      capabilities: components['schemas']['Capabilities'] | null;
      /** @description It would be taken for a solution in Python that asks for nothing */
      is_default: boolean;
      /** @description Why it is not available, and what to do */
      reason?: string;
    };
    /** @description What is known of a sandbox and one of its executions */
    Result: {
      cause: components['schemas']['Cause'] | null;
      errors: string[];
      execution_id: string | null;
      execution_time: number | null;
      /**
       * @description A number that was seen; 128 + n for a signal n that the program met by itself; null: ended by us, or it never started
       * @example 0
       */
      exit_code: number | null;
      /** @description Paths below /output; null: not collected */
      files: string[] | null;
      limits_hit: components['schemas']['LimitHit'][];
      metrics: components['schemas']['Metrics'];
      /**
       * @description The id of a sandbox
       * @example 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
       */
      sandbox_id: string;
      signal: string | null;
      /** @example word-count */
      solution_id: string;
      status: components['schemas']['Status'];
      stderr: string | null;
      stdout: string | null;
      truncated: boolean;
    };
    /** @description Which provider serves, and why */
    Selection: {
      considered: {
        provider: string;
        reason: string;
        /** @enum {string} */
        verdict: 'chosen' | 'eligible' | 'ruled-out' | 'unavailable';
      }[];
      /** @description The requested provider is down, and another serves in its place */
      fallback: boolean;
      /** @description What was lowered, what is best effort, what stands in for another */
      notes: string[];
      provider: string;
      requested: string | null;
    };
    /**
     * @example completed
     * @enum {string}
     */
    Status: 'preparing' | 'ready' | 'running' | 'completed' | 'failed' | 'timeout' | 'stopped' | 'cleaned';
    StoredUnit: {
      content: {
        [key: string]: unknown;
      };
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      created: string;
      id: string;
      lineage: string[];
      meets_standards: boolean;
      name: string;
      type: string;
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      updated: string;
      version: string;
    };
    /** @description The data of a server-sent event, whose id is `<execution_id>:<number>` */
    StreamEvent:
      | {
          /** @constant */
          done: true;
          /**
           * @description A number that was seen; 128 + n for a signal n that the program met by itself; null: ended by us, or it never started
           * @example 0
           */
          exit_code: number | null;
          status: components['schemas']['Status'];
        }
      | {
          error: string;
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at?: number;
          line: string;
          /** @constant */
          partial?: true;
          /** @enum {string} */
          stream?: 'stdout' | 'stderr';
        }
      | {
          /** @description Milliseconds since the start of the execution */
          at: number;
          /**
           * Format: base64
           * @example aGVsbG8K
           */
          data: string;
          /** @enum {string} */
          stream: 'stdout' | 'stderr';
        };
    TestResult: {
      errors: string[];
      /**
       * @description The id of an execution
       * @example 0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70
       */
      execution_id: string;
      execution_time: number | null;
      /**
       * @description A number that was seen; 128 + n for a signal n that the program met by itself; null: ended by us, or it never started
       * @example 0
       */
      exit_code: number | null;
      provider: string;
      status: components['schemas']['Status'];
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      timestamp: string;
    };
    UnitWithResults: {
      content: {
        [key: string]: unknown;
      };
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      created: string;
      id: string;
      lineage: string[];
      meets_standards: boolean;
      name: string;
      /** @description The last ten, newest last */
      test_results: components['schemas']['TestResult'][];
      type: string;
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      updated: string;
      version: string;
    };
    /** @description A folder of a solution that outlives its sandboxes */
    Volume: {
      /**
       * Format: date-time
       * @description ISO 8601, UTC
       * @example 2026-11-24T20:00:00.000Z
       */
      created: string;
      /** @description A sandbox has it */
      in_use: boolean;
      /** @description What it may take, in bytes; null: without a limit */
      limit: number | null;
      /** @example data */
      name: string;
      /** @description Who keeps it */
      provider: string;
      /** @description What it takes of the disk, in bytes; null: not known */
      size: number | null;
      /** @example word-count */
      solution_id: string;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  getUnit: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description The id of a unit
         * @example word-count
         */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['UnitWithResults'];
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  deleteUnit: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a unit */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            message: string;
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  registryHealth: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            statistics: Record<string, unknown>;
            /** @enum {string} */
            status: 'healthy' | 'unhealthy';
          };
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  searchUnits: {
    parameters: {
      query?: {
        /** @description Most units. Default 100 */
        limit?: number;
        /** @description Only units that do, or that do not */
        meets_standards?: boolean;
        /** @description A part of the name, in any case */
        name?: string;
        /** @description The type, e.g. solution */
        type?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 1 */
            count: number;
            results: components['schemas']['StoredUnit'][];
            /** @constant */
            success: true;
            truncated?: boolean;
          };
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  storeUnit: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        /**
         * @example {
         *       "id": "hello",
         *       "type": "solution",
         *       "name": "hello",
         *       "version": "1.0.0",
         *       "content": {
         *         "code": "print(\"hello\")\n",
         *         "main_file": "main.py"
         *       }
         *     }
         */
        'application/json': {
          content: Record<string, unknown>;
          id?: string;
          lineage?: string[];
          meets_standards?: boolean;
          metadata?: Record<string, unknown>;
          name: string;
          source?: string | Record<string, unknown> | null;
          type: string;
          version: string;
        };
      };
    };
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            id: string;
            message: string;
            /** @constant */
            success: true;
            /** @description Sentences: why a solution can't be tested as it is, and which fields of its content are not known here */
            warnings?: string[];
          };
        };
      };
      /** @description The body is too large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listTypes: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 1 */
            count: number;
            /** @constant */
            success: true;
            types: string[];
          };
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  removeSandbox: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  changeLimits: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        /**
         * @example {
         *       "timeout": 60,
         *       "memory_limit": "512m"
         *     }
         */
        'application/json': {
          /** @description CPUs. Default 4 */
          cpu_limit?: number;
          /**
           * @description Of workspace and output. Default "1g"
           * @example 512m
           */
          disk_limit?: string;
          /**
           * @description Default "4g"
           * @example 512m
           */
          memory_limit?: string;
          /**
           * @description What is kept of the output. Default "64m", at most "1g"
           * @example 512m
           */
          output_limit?: string;
          /** @description Processes. Default 256 */
          pids_limit?: number;
          /** @description Seconds that a run may take. Default 300 */
          timeout?: number;
        };
      };
    };
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            limits: components['schemas']['Limits'];
            /** @description What was lowered or raised to what can be kept */
            notes: string[];
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getFilesAtRoot: {
    parameters: {
      query?: {
        /** @description A folder as an archive of this kind, with all that is in it: at most 100,000 entries as tar, 20,000 as zip */
        archive?: 'tar' | 'zip';
        /** @description Most entries of a folder. Default 10000 */
        limit?: number;
        /** @description The entry alone, as JSON */
        stat?: boolean;
      };
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A folder as JSON or as an archive, or the bytes of a file */
      200: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Listing'] | components['schemas']['FileEntry'];
          'application/octet-stream': string;
          'application/x-tar': string;
          'application/zip': string;
        };
      };
      /** @description A part of a file */
      206: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/octet-stream': string;
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Nothing of the range is there */
      416: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  putFilesAtRoot: {
    parameters: {
      query?: {
        /** @description The body is an archive of this kind, to be unpacked into the folder at the path: at most 100,000 entries */
        archive?: 'tar' | 'zip';
        /** @description Make a folder; the body is empty */
        folder?: boolean;
      };
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/octet-stream': string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description How many were in the archive
             * @example 1
             */
            files?: number;
            path: string;
            /**
             * @description Of a file
             * @example 4096
             */
            size?: number;
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A form, in place of the bytes themselves */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getFiles: {
    parameters: {
      query?: {
        /** @description A folder as an archive of this kind, with all that is in it: at most 100,000 entries as tar, 20,000 as zip */
        archive?: 'tar' | 'zip';
        /** @description Most entries of a folder. Default 10000 */
        limit?: number;
        /** @description The entry alone, as JSON */
        stat?: boolean;
      };
      header?: never;
      path: {
        /**
         * @description May have slashes, as they are or as `%2F`
         * @example main.py
         */
        path: string;
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A folder as JSON or as an archive, or the bytes of a file */
      200: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Listing'] | components['schemas']['FileEntry'];
          'application/octet-stream': string;
          'application/x-tar': string;
          'application/zip': string;
        };
      };
      /** @description A part of a file */
      206: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/octet-stream': string;
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Nothing of the range is there */
      416: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  putFiles: {
    parameters: {
      query?: {
        /** @description The body is an archive of this kind, to be unpacked into the folder at the path: at most 100,000 entries */
        archive?: 'tar' | 'zip';
        /** @description Make a folder; the body is empty */
        folder?: boolean;
      };
      header?: never;
      path: {
        /**
         * @description May have slashes, as they are or as `%2F`
         * @example notes/today.txt
         */
        path: string;
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/octet-stream': string;
      };
    };
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description How many were in the archive
             * @example 1
             */
            files?: number;
            path: string;
            /**
             * @description Of a file
             * @example 4096
             */
            size?: number;
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A form, in place of the bytes themselves */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  renameFile: {
    parameters: {
      query: {
        /**
         * @description The new path
         * @example notes/yesterday.txt
         */
        rename_to: string;
      };
      header?: never;
      path: {
        /**
         * @description May have slashes, as they are or as `%2F`
         * @example notes/today.txt
         */
        path: string;
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            path: string;
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  removeFile: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /**
         * @description May have slashes, as they are or as `%2F`
         * @example notes/today.txt
         */
        path: string;
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  stopExecution: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Something ran */
            stopped: boolean;
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listSandboxes: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ActiveSandbox'][];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  removeSandboxes: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 1 */
            cleaned: number;
          };
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  follow: {
    parameters: {
      query: {
        /** @description The id of a sandbox */
        sandbox_id: string;
        /** @description From `POST /ticket`, in place of the token */
        ticket?: string;
      };
      header?: {
        /** @description The last event that was seen */
        'Last-Event-ID'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The events of the execution, as they come */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': components['schemas']['StreamEvent'];
        };
      };
      /** @description There is nothing more to follow */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No longer kept */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  execute: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        /**
         * @example {
         *       "sandbox_id": "6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f",
         *       "command": [
         *         "python",
         *         "main.py"
         *       ]
         *     }
         */
        'application/json': {
          /** @description The program and its arguments. Default: the solution's own command */
          command?: string[];
          /** @description Yours: the same again follows that execution, and never starts a second */
          execution_id?: string;
          /**
           * @description Output as bytes instead of lines
           * @default false
           */
          raw?: boolean;
          /** @description The id of a sandbox */
          sandbox_id: string;
          /** @description What the program reads, whole */
          stdin?: string;
          /** @description The solution's `test_command`, in place of a command */
          test?: boolean;
        };
      };
    };
    responses: {
      /** @description The events of the execution, as they come */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': components['schemas']['StreamEvent'];
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No longer kept */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The body is too large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A resource limit is reached */
      507: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getEvents: {
    parameters: {
      query?: {
        /** @description The number or the id of an event: those after it */
        after?: string;
        /** @description Output as bytes instead of lines */
        raw?: boolean;
      };
      header?: never;
      path: {
        /** @description The id of an execution */
        execution_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Event'][];
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No longer kept */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  health: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            providers: {
              [key: string]: boolean;
            };
            /** @enum {string} */
            status: 'healthy' | 'unhealthy';
          };
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listExecutions: {
    parameters: {
      query?: {
        /** @description The id of an execution, or a time: what began before it */
        before?: string;
        /** @description Most executions. Default 50 */
        limit?: number;
        /** @description Of this solution alone */
        solution_id?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['HistoryRow'][];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listProviders: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            [key: string]: components['schemas']['Provider'];
          };
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getResult: {
    parameters: {
      query?: {
        /** @description Default: the one that runs, or ran last */
        execution_id?: string;
        /** @description Seconds to wait for the end of a run */
        wait?: number;
      };
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Result'];
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getOutputAtRoot: {
    parameters: {
      query?: {
        /** @description A folder as an archive of this kind, with all that is in it */
        archive?: 'tar' | 'zip';
        /** @description Default: the one that runs, or ran last */
        execution_id?: string;
      };
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A folder as JSON or as an archive, or the bytes of a file */
      200: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['OutputListing'];
          'application/octet-stream': string;
          'application/x-tar': string;
          'application/zip': string;
        };
      };
      /** @description A part of a file */
      206: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/octet-stream': string;
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Nothing of the range is there */
      416: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  getOutput: {
    parameters: {
      query?: {
        /** @description A folder as an archive of this kind, with all that is in it */
        archive?: 'tar' | 'zip';
        /** @description Default: the one that runs, or ran last */
        execution_id?: string;
      };
      header?: never;
      path: {
        /**
         * @description May have slashes, as they are or as `%2F`
         * @example mandelbrot.png
         */
        path: string;
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A folder as JSON or as an archive, or the bytes of a file */
      200: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['OutputListing'];
          'application/octet-stream': string;
          'application/x-tar': string;
          'application/zip': string;
        };
      };
      /** @description A part of a file */
      206: {
        headers: {
          'Content-Disposition'?: string;
          'Content-Range'?: string;
          [name: string]: unknown;
        };
        content: {
          'application/octet-stream': string;
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Nothing of the range is there */
      416: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  openSandbox: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        /**
         * @example {
         *       "solution_id": "word-count",
         *       "run": true
         *     }
         */
        'application/json': {
          /** @description CPUs. Default 4 */
          cpu_limit?: number;
          /**
           * @description Of workspace and output. Default "1g"
           * @example 512m
           */
          disk_limit?: string;
          environment?: {
            [key: string]: string;
          };
          gpus?:
            | number
            | {
                ids: string[];
              };
          image?: string;
          /**
           * @description Default "4g"
           * @example 512m
           */
          memory_limit?: string;
          network?:
            | ('none' | 'full')
            | {
                allow: string[];
              }
            | {
                name: string;
              };
          /**
           * @description What is kept of the output. Default "64m", at most "1g"
           * @example 512m
           */
          output_limit?: string;
          /** @description Processes. Default 256 */
          pids_limit?: number;
          provider?: string;
          /** @description Start the solution's command at once */
          run?: boolean;
          runtime?: string;
          /** @description By name, beside those of the solution */
          services?: {
            [key: string]: {
              command?: string[];
              cpu_limit?: number;
              environment?: {
                [key: string]: string;
              };
              healthcheck?: {
                /** @example 5s */
                interval?: string | number;
                retries?: number;
                /** @example 30s */
                start_period?: string | number;
                test?: string | string[];
                /** @example 3s */
                timeout?: string | number;
              };
              image?: string;
              /** @example 512m */
              memory_limit?: string;
              pids_limit?: number;
              tmpfs?: string[];
            };
          };
          /** @description The id of a solution */
          solution_id: string;
          /** @description Refuse a stand-in for the named provider, and limits that are best effort */
          strict?: boolean;
          /** @description Seconds that a run may take. Default 300 */
          timeout?: number;
          /** @description Names of the solution's volumes, which outlive the sandbox; each is found at /volumes/NAME */
          volumes?: string[];
        };
      };
    };
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            provider: string;
            /**
             * @description The id of a sandbox
             * @example 6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f
             */
            sandbox_id: string;
            selection: components['schemas']['Selection'];
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Too many sandboxes */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  createTicket: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        /**
         * @example {
         *       "sandbox_id": "6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f"
         *     }
         */
        'application/json': {
          /** @description The id of a sandbox */
          sandbox_id: string;
        };
      };
    };
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: date-time
             * @description To be first used before
             * @example 2026-11-24T20:00:00.000Z
             */
            expires: string;
            ticket: string;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  listVolumes: {
    parameters: {
      query?: {
        /** @description Of this solution alone */
        solution_id?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Volume'][];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  removeVolume: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name of the volume */
        name: string;
        /** @description It need not be in the registry any more */
        solution_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @constant */
            success: true;
          };
        };
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A command runs already, other units depend on this one, or a sandbox has this volume */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description The environment was lost, or the registry elsewhere does not answer as it should */
      502: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No provider can serve this, or the server is shutting down */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
  connect: {
    parameters: {
      query?: {
        /** @description The id of the last message that was seen: goes on after it */
        after?: string;
        /** @description Also what else the log holds, besides output, metrics, errors and the end */
        all?: boolean;
        /** @description Output as bytes instead of lines, also of what somebody else starts */
        raw?: boolean;
        /** @description From `POST /ticket`, in place of the token */
        ticket?: string;
      };
      header?: never;
      path: {
        /** @description The id of a sandbox */
        sandbox_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The WebSocket is open */
      101: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Unknown */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description No longer kept */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description A field is wrong; the sentence names it */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description This is the address of a WebSocket */
      426: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
      /** @description Refused, or failed: the sentence says why */
      default: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'];
        };
      };
    };
  };
}
