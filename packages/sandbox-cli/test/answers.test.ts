import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cli } from './cli.js';

const ended = { status: 'completed', cause: 'exited', exit_code: 4 };
const metrics = { provider: 'p', wall_time: 1, cpu_time: 1, memory_peak: 1, prepare_time: 1, samples: [] };
const result = {
  ...ended,
  ...{ sandbox_id: 's', solution_id: 'x', execution_id: 'e', signal: null, execution_time: 1, metrics },
  ...{ stdout: '', stderr: '', truncated: false, errors: [], limits_hit: [], files: [] },
};

/** Answers as a server would, save what the path of a request is given here: a text, or the status of a failure. */
async function serving(others: Readonly<Record<string, string | number>>): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    const [, asked = '', id = ''] = /sandbox\/(\w+)(?:\/(\w+))?/.exec(request.url ?? '') ?? [];
    const key = request.method === 'DELETE' ? 'DELETE' : (request.url?.endsWith('/test') ?? false) ? 'test' : asked;
    const other = others[key];
    if (typeof other === 'number') response.statusCode = other;
    const complete = JSON.stringify({ type: 'complete', id: `${id}:2`, at: 0, ...ended });
    const answers: Readonly<Record<string, string>> = {
      history: '[]',
      test: JSON.stringify({ sandbox_id: 's', provider: 'p', selection: { notes: [] } }),
      executions: `[\n${complete}\n]\n`,
      results: JSON.stringify(result),
    };
    response.end(typeof other === 'string' ? other.replaceAll('ID', id) : (answers[key] ?? '{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test.each<[string, Readonly<Record<string, string>>, string[], number]>([
  ['a page for a log', { executions: '<html>' }, ['logs', '-f', 'e'], 1],
  ['nulls for a log', { executions: '[null]' }, ['logs', '-f', 'e'], 1],
  ['an event of another execution', { executions: '[\n{"id":"o:1","at":0,"type":"x"}]' }, ['logs', '-f', 'e'], 1],
  [
    'output of a stream that is none',
    { executions: '[\n{"id":"ID:1","at":0,"type":"data","stream":"constructor","data":"aGk="}\n]\n' },
    ['test', 'x'],
    125,
  ],
  ['a result without errors', { results: '{"status":"completed"}' }, ['test', 'x'], 125],
  ['an object for a list', { history: '{"a":1}' }, ['history'], 1],
])('a server that answers with %s gets a sentence, at once', async (_name, others, args, code) => {
  const { server, url } = await serving(others);
  try {
    const { stderr, ...said } = await cli([...args, '--url', url]);
    expect(said).toEqual({ code, stdout: '' });
    expect(stderr).toMatch(
      /^ergon-sandbox: .* is not what a server of Ergon Sandbox sends: look at the address, .*\.\n$/,
    );
  } finally {
    server.close();
  }
});

test.each([
  [403, /^ergon-sandbox: The sandbox s may still be on the server: The server answered with 403\.\n$/],
  [404, /^$/],
])("a removal that ends with %d leaves the program's code as it is", async (status, stderr) => {
  const { server, url } = await serving({ DELETE: status });
  try {
    const said = await cli(['test', 'x', '--url', url]);
    expect(said).toEqual({ code: 4, stdout: '', stderr: expect.stringMatching(stderr) as string });
  } finally {
    server.close();
  }
});
