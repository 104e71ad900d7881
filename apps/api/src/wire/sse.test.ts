import type { ExecutionEvent } from '@ergon/sandbox-core';
import { SseEncoder } from './sse.js';

const end = { type: 'end', status: 'completed', cause: 'exited', exitCode: 0, seq: 9, at: 20 } as const;

/** What an EventSource would have seen: ids and parsed data. */
function messages(...batches: ExecutionEvent[][]): [string, unknown][] {
  const encoder = new SseEncoder('e1');
  const text = batches.map((batch) => encoder.encode(batch)).join('');
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const [id, data, ...more] = block.split('\n');
      expect(more).toEqual([]);
      return [id?.replace(/^id: /, '') ?? '', JSON.parse(data?.replace(/^data: /, '') ?? '')];
    });
}

test('lines carry their stream, whatever is in them, and the end is done', () => {
  const lines: ExecutionEvent[] = [
    { type: 'line', stream: 'stdout', line: 'a\r"\u2028\ud800</script>\0\u{1F600}', seq: 3, at: 1.6 },
    { type: 'line', stream: 'stderr', line: '', seq: 4, at: 2, partial: true },
  ];
  expect(messages(lines, [end])).toEqual([
    ['e1:3', { line: '[stdout] a\r"\u2028\ud800</script>\0\u{1F600}', stream: 'stdout', at: 2 }],
    ['e1:4', { line: '[stderr] ', stream: 'stderr', at: 2, partial: true }],
    ['e1:9', { done: true, status: 'completed', exit_code: 0 }],
  ]);
});

test('data is base64 of just its own bytes', () => {
  const bytes = Buffer.concat([Buffer.from('xx'), Buffer.from([0xff, 0]), Buffer.from('yy')]).subarray(2, 4);
  expect(messages([{ type: 'data', stream: 'stdout', data: bytes, seq: 1, at: 0 }])).toEqual([
    ['e1:1', { stream: 'stdout', data: '/wA=', at: 0 }],
  ]);
});

test('what is no output, error or end is not sent', () => {
  expect(
    messages([
      { type: 'phase', phase: 'opening', seq: 1, at: 0 },
      { type: 'status', status: 'running', seq: 2, at: 0 },
      end,
    ]),
  ).toEqual([['e1:9', { done: true, status: 'completed', exit_code: 0 }]]);
});

const timeout: ExecutionEvent = {
  type: 'error',
  message: 'Execution timeout exceeded',
  code: 'SANDBOX003',
  seq: 7,
  at: 9,
};

test("the core's sentence on a program that ran is a line, also when the end comes in a later batch", () => {
  const timedOut = { ...end, status: 'timeout', cause: 'timeout', exitCode: null } as const;
  expect(messages([timeout], [timedOut])).toEqual([
    ['e1:7', { line: '[error] Execution timeout exceeded' }],
    ['e1:9', { done: true, status: 'timeout', exit_code: null }],
  ]);
});

test('a failure to run is an error before the end', () => {
  const notStarted = { ...end, status: 'failed', cause: 'not-started', exitCode: null } as const;
  expect(messages([{ ...timeout, message: 'No such program' }, notStarted])).toEqual([
    ['e1:7', { error: 'No such program' }],
    ['e1:9', { done: true, status: 'failed', exit_code: null }],
  ]);
});
