import { judgeSelfTest, startedLanguages } from './self-test.js';
import { explainMacFailure } from './probe.js';

const GOOD = [
  'yes run a program',
  'yes write its workspace',
  'yes read its workspace',
  'no read a file outside',
  'no write a file outside',
  'no list a folder outside',
  'no signal a process outside',
  'no connect to a port of the host',
];

test('all as it has to be', () => {
  expect(judgeSelfTest(`${GOOD.join('\n')}\n`, '')).toBeNull();
});

test.each(GOOD.filter((line) => line.startsWith('no ')))('one way out is enough for a refusal: not "%s"', (line) => {
  const answer = GOOD.map((each) => (each === line ? each.replace('no', 'yes') : each)).join('\n');
  expect(judgeSelfTest(answer, '')?.reason).toBe(`sandbox-exec does not isolate here: a program can ${line.slice(3)}.`);
});

test.each(GOOD)('an answer that is missing is a refusal: %s', (line) => {
  const answer = GOOD.filter((each) => each !== line).join('\n');
  expect(judgeSelfTest(answer, '')?.reason).toContain(line.replace(/^\w+ /, ''));
});

test('what sandbox-exec said of a profile is told', () => {
  expect(judgeSelfTest('', 'sandbox-exec: unbound variable: file-magic\n')?.reason).toContain(
    'It said: sandbox-exec: unbound variable: file-magic',
  );
});

test('a server in a sandbox is recognised by what others have seen sandbox-exec print there', () => {
  // anthropic-experimental/sandbox-runtime issue 67, openai/codex issue 45657
  expect(explainMacFailure('sandbox-exec: sandbox_apply: Operation not permitted\n').reason).toContain(
    'itself in a sandbox',
  );
  expect(explainMacFailure('').reason).toContain('it ended without a message');
});

test('languages are those that started', () => {
  expect(startedLanguages('yes start node\nno start python\n')).toEqual(['node']);
  expect(startedLanguages('')).toEqual([]);
});
