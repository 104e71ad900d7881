import { ChildServer } from './support/child.js';

test('a process that disposes of its provider, and waits for nothing else, gets to what it does next', async () => {
  const child = new ChildServer('leaving-server.ts', []);
  expect(await child.hears('left')).toEqual({ type: 'left', available: true });
  await child.exited;
  expect(child.child.exitCode).toBe(0);
});
