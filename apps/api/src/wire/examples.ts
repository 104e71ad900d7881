const executionId = '0b8e2d1c-7a44-4f6b-9c1e-5d2f8a3b6c70';

/** What the document shows of each kind. There is no such sandbox: its id is to be replaced by one that `POST /test` answered. */
export const examples = {
  sandboxId: '6f9f1f5c-0d3e-4d0e-9a8f-2a3b4c5d6e7f',
  executionId,
  eventId: `${executionId}:7`,
  /** Of those that come with the repository. */
  solutionId: 'word-count',
} as const;

/** Bodies of requests, which the document's page offers to send. */
export const bodies = {
  test: { solution_id: examples.solutionId, run: true },
  execute: { sandbox_id: examples.sandboxId, command: ['python', 'main.py'] },
  ticket: { sandbox_id: examples.sandboxId },
  limits: { timeout: 60, memory_limit: '512m' },
  unit: {
    id: 'hello',
    type: 'solution',
    name: 'hello',
    version: '1.0.0',
    content: { code: 'print("hello")\n', main_file: 'main.py' },
  },
} as const;

/** Messages of a WebSocket's client. */
export const actions = [
  { action: 'execute', command: ['python', '-i'], stdin: true },
  { action: 'stdin', data: '6 * 7\n' },
  { action: 'stdin_close' },
  { action: 'resize', cols: 132, rows: 43 },
  { action: 'stop' },
] as const;

/** Paths of files: what `word-count` brings, and what to write; what `mandelbrot` leaves. */
export const paths = {
  live: { get: 'main.py', other: 'notes/today.txt' },
  kept: { get: 'mandelbrot.png', other: undefined },
} as const;
