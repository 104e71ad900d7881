import { PassThrough } from 'node:stream';
import { Preparation } from './preparation.js';
import { Progress } from './progress.js';

const pulled = { type: 'phase', phase: 'pulling', message: 'The image "python:3" is pulled.' };

/** What is seen of these events by somebody at this stream. */
function seen(isTTY: boolean, events: readonly { type: string }[]): { lines: string[]; shown: string[] } {
  const progress = new Progress(Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream);
  const shown: string[] = [];
  progress.show = (text) => void shown.push(text);
  const lines: string[] = [];
  const preparation = new Preparation(progress, (line) => lines.push(line));
  for (const event of events) preparation.take(event);
  return { lines, shown };
}

const events = [
  pulled,
  { type: 'progress', phase: 'pulling', done: 0, total: null },
  { type: 'progress', phase: 'pulling', done: 1_250_000, total: 4_000_000 },
  { type: 'progress', phase: 'building', done: 1, total: 3 },
  { type: 'phase', phase: 'started' },
  { type: 'phase', phase: 'ended', message: 'nobody waits for that' },
];

test('a terminal shows what is waited for and how far it is, and then that the program runs', () => {
  expect(seen(true, events)).toEqual({
    lines: [],
    shown: [
      'The image "python:3" is pulled',
      'Pulling: 0.0 MB',
      'Pulling: 1.3 of 4.0 MB',
      'Building: 1 of 3',
      'Running',
    ],
  });
});

test('elsewhere a line says what is waited for, and not each step of it', () => {
  const { lines } = seen(false, events);
  expect(lines).toEqual(['The image "python:3" is pulled.']);
});

test('what a registry or a build says moves no cursor', () => {
  expect(seen(true, [{ ...pulled, message: 'a\u001b[2Jb' } as { type: string }]).shown).toEqual(['a\u{fffd}[2Jb']);
});
