import type { Report, ServiceConfig } from '@ergon/sandbox-core';
import { DEBIAN } from './server.js';

type ServiceReport = Extract<Report, { type: 'service' }>;

/** A service of a test: a shell script of the Debian image, unless it says otherwise. */
export function service(script: string, more: Partial<ServiceConfig> = {}): ServiceConfig {
  return {
    image: DEBIAN,
    command: ['sh', '-c', script],
    environment: {},
    healthcheck: {},
    tmpfs: [],
    limits: { memoryBytes: 128 << 20, cpus: 1, pids: 32 },
    ...more,
  };
}

/** Answers each who connects with a word, and is up when it does. */
export function answering(word: string, port: number, more: Partial<ServiceConfig> = {}): ServiceConfig {
  const program = [
    'import socketserver, sys',
    'class Answer(socketserver.BaseRequestHandler):',
    '    def handle(self): self.request.sendall(sys.argv[1].encode())',
    'socketserver.ThreadingTCPServer.allow_reuse_address = True',
    'print("listening", flush=True)',
    'socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[2])), Answer).serve_forever()',
  ].join('\n');
  const test = ['python3', '-c', `import socket; socket.create_connection(("127.0.0.1", ${port}), 2)`];
  return service('', { command: ['python3', '-c', program, word, String(port)], healthcheck: { test }, ...more });
}

/** What a sandbox told of its services. */
export class Told {
  readonly reports: Report[] = [];
  readonly report = (report: Report): void => void this.reports.push(report);

  get services(): ServiceReport[] {
    return this.reports.filter((each) => each.type === 'service');
  }

  /** `db starting`, `db stdout: text`, … in their order. */
  get outline(): string[] {
    return this.services.map((each) =>
      'state' in each ? `${each.service} ${each.state}` : `${each.service} ${each.stream}: ${each.text}`,
    );
  }

  sentence(state: string): string | undefined {
    return this.services.flatMap((each) => ('state' in each && each.state === state ? [each.message] : [])).at(-1);
  }
}

/** A program that tells what each `host:port` answers. */
export function ask(...places: readonly string[]): string[] {
  const program = [
    'import socket, sys',
    'for place in sys.argv[1:]:',
    '    host, port = place.rsplit(":", 1)',
    '    try:',
    '        with socket.create_connection((host, int(port)), 3) as s: print(place, s.recv(99).decode())',
    '    except OSError as e: print(place, type(e).__name__)',
  ].join('\n');
  return ['python3', '-c', program, ...places];
}
