import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carve } from '../lib/maze.js';
import { randomFrom } from '../lib/random.js';
import { solve } from '../lib/solve.js';

const passages = (...lists) => ({ open: lists.map((list) => new Set(list)) });

test('takes the shorter of two ways', () => {
  assert.deepEqual(solve(passages([1, 2], [0, 3], [0, 4], [1, 4], [2, 3])), [0, 2, 4]);
});

test('a cell that cannot be reached has no path', () => {
  assert.equal(solve(passages([1], [0], [])), null);
});

test('walks through open passages only, from the first cell to the last', () => {
  for (let seed = 0; seed < 20; seed++) {
    const maze = carve(9, 6, randomFrom(seed));
    const path = solve(maze);
    assert.equal(path[0], 0);
    assert.equal(path.at(-1), 9 * 6 - 1);
    path.slice(1).forEach((cell, index) => assert.ok(maze.open[path[index]].has(cell)));
  }
});
