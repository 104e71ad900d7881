import { Slots } from './slots.js';

test('so many are let in, the others in their order, and who is called off takes no place', async () => {
  const slots = new Slots(2);
  const { signal } = new AbortController();
  const order: string[] = [];
  const first = await slots.take(signal);
  const second = await slots.take(signal);
  const called = new AbortController();
  const off = slots.take(called.signal);
  const third = slots.take(signal).then((leave) => {
    order.push('third');
    return leave;
  });
  const fourth = slots.take(signal).then((leave) => {
    order.push('fourth');
    return leave;
  });
  called.abort(new Error('called off'));
  await expect(off).rejects.toThrow('called off');
  expect(order).toEqual([]);
  first();
  (await third)();
  await fourth;
  second();
  expect(order).toEqual(['third', 'fourth']);
  await slots.take(signal);
});
