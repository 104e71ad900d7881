import { parseStatus, parseTimes } from './status.js';

test("bubblewrap's status, line by line", () => {
  const first = '{ "child-pid": 4711, "cgroup-namespace": 4026532450, "ipc-namespace": 4026532449 }\n';
  expect(parseStatus('')).toEqual({ childPid: null, exitCode: null });
  expect(parseStatus(first)).toEqual({ childPid: 4711, exitCode: null });
  expect(parseStatus(`${first}{ "exit-code": 137 }\n`)).toEqual({ childPid: 4711, exitCode: 137 });
});

test.each([
  ['0m0.000000s 0m0.010000s\n0m1.230000s 0m0.040000s\n', 1270], // dash
  ['0m0.001s 0m0.000s\n2m1.500s 0m0.250s\n', 121_750], // bash
  [`ready\n${'f'.repeat(32)} 127\n0m0.00s 0m0.00s\n0m0.01s 0m0.02s\n`, 30],
  ['ready\n', null],
])('times: %j', (text, ms) => {
  expect(parseTimes(text)).toBe(ms);
});
