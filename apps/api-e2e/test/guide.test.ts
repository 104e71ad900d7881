import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { registry, sandbox, TestServer } from './server.js';
import { until } from './until.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
  await server.ok('POST', registry('/store'), {
    id: 'abc123',
    type: 'solution',
    name: 'Guide',
    version: '1.0.0',
    content: { main_file: 'main.py', code: 'import sys\nprint("one", flush=True)\nprint("two", file=sys.stderr)\n' },
  });
});
afterAll(() => TestServer.endAll());

/** The guide's text, for a server that listens elsewhere. */
function guide(file: string): string {
  return readFileSync(join(__dirname, 'guide', file), 'utf8').replaceAll('http://localhost:8102', server.url);
}

test("the guide's Python example runs as written", () => {
  const printed = execFileSync('/usr/bin/python3', ['-c', guide('testing-a-solution.py')], { encoding: 'utf8' });
  expect(printed).toMatch(
    /^\{'sandbox_id': '[0-9a-f-]{36}', 'solution_id': 'abc123', 'execution_id': None, 'status': '/,
  );
});

test("the guide's JavaScript example runs as written, and its EventSource never runs the solution twice", async () => {
  const opened: string[] = [];
  const sources: EventSource[] = [];
  // A page's own origin is the base of its addresses.
  const pageFetch = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await server.fetch(path, init);
    opened.push(((await response.clone().json()) as { sandbox_id: string }).sandbox_id);
    return response;
  };
  class PageEventSource extends EventSource {
    constructor(path: string) {
      super(new URL(path, server.url));
      sources.push(this);
    }
  }
  const printed: unknown[] = [];
  const page = { log: (line: unknown) => printed.push(line) };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the guide's text, as a page would run it
  const define = new Function(
    'fetch',
    'EventSource',
    'console',
    `${guide('test-button.js.txt')}\nreturn testSolution;`,
  ) as (...page: unknown[]) => (id: string) => Promise<void>;
  await define(pageFetch, PageEventSource, page)('abc123');

  // It never closes its source: the server's 204 at the reconnect does.
  await until(() => sources[0]?.readyState === EventSource.CLOSED, 30_000);
  expect(printed).toEqual(['[stdout] one', '[stderr] two', undefined]);
  const runs = await server.list(sandbox('/history'));
  expect(runs.filter((run) => run.sandbox_id === opened[0]).map((run) => run.status)).toEqual(['completed']);
});
