import { parseMessage, PullProgress, type PullState } from './progress.js';

function after(...messages: object[]): PullState {
  const progress = new PullProgress();
  for (const message of messages) progress.push(parseMessage(JSON.stringify(message)));
  return progress.state;
}
const layer = (id: string, status: string, current?: number, total?: number): object => ({
  id,
  status,
  progressDetail: current === undefined ? {} : { current, total },
});

test('the total is told once the size of each layer is known, and layers that are there do not count', () => {
  const begun = [
    layer('1', 'Pulling from team/app'),
    layer('a', 'Already exists'),
    layer('b', 'Pulling fs layer'),
    layer('c', 'Pulling fs layer'),
    layer('b', 'Downloading', 10, 100),
  ];
  expect(after(...begun)).toMatchObject({ transferred: 10, unpacked: 0, total: null, atLeast: 100, layers: 2 });
  expect(after(...begun, layer('c', 'Downloading', 5, 50))).toMatchObject({ transferred: 15, total: 150 });
});

test('a layer so small that its transfer is not told counts by what is unpacked', () => {
  const small = [layer('a', 'Pulling fs layer'), layer('a', 'Download complete')];
  expect(after(...small)).toMatchObject({ transferred: 0, total: null });
  expect(after(...small, layer('a', 'Extracting', 7, 7), layer('a', 'Pull complete'))).toMatchObject({
    transferred: 7,
    unpacked: 7,
    total: 7,
  });
});

test('a transfer that begins anew is a retry, however many seconds it is counted down', () => {
  const broken = [
    layer('a', 'Pulling fs layer'),
    layer('a', 'Downloading', 60, 100),
    layer('a', 'Retrying in 2 seconds'),
    layer('a', 'Retrying in 1 second'),
    layer('a', 'Downloading', 5, 100),
  ];
  expect(after(...broken)).toMatchObject({ transferred: 5, total: 100, retries: 1 });
  expect(after(...broken, layer('a', 'Retrying in 2 seconds'))).toMatchObject({ retries: 2 });
});

test('what is no account of a pull is an error', () => {
  expect(() => parseMessage('[]')).toThrow();
  expect(() => parseMessage('{"status":7}')).toThrow();
});
