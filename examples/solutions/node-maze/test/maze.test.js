import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carve, neighbours } from '../lib/maze.js';
import { randomFrom } from '../lib/random.js';

test('a seed always gives the same maze, another seed another', () => {
  assert.deepEqual(carve(8, 8, randomFrom(1)), carve(8, 8, randomFrom(1)));
  assert.notDeepEqual(carve(8, 8, randomFrom(1)), carve(8, 8, randomFrom(2)));
});

test('passages lead to neighbours, and back', () => {
  const maze = carve(6, 5, randomFrom(3));
  maze.open.forEach((passages, cell) => {
    for (const next of passages) {
      assert.ok(neighbours(maze, cell).includes(next));
      assert.ok(maze.open[next].has(cell));
    }
  });
});

test('a maze is a tree: one passage less than it has cells', () => {
  const { open } = carve(7, 9, randomFrom(4));
  const passages = open.reduce((sum, cell) => sum + cell.size, 0) / 2;
  assert.equal(passages, 7 * 9 - 1);
});

test('a corner has two neighbours, a border three, the middle four', () => {
  const size = { width: 3, height: 3 };
  assert.deepEqual(neighbours(size, 0), [1, 3]);
  assert.deepEqual(neighbours(size, 1), [2, 4, 0]);
  assert.deepEqual(neighbours(size, 4), [1, 5, 7, 3]);
});

test('random numbers lie from 0 to below 1', () => {
  const random = randomFrom(5);
  for (let count = 0; count < 1000; count++) {
    const value = random();
    assert.ok(value >= 0 && value < 1);
  }
});
