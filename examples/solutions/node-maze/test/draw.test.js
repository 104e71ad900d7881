import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw } from '../lib/draw.js';

const corridor = { width: 2, height: 1, open: [new Set([1]), new Set([0])] };
const room = { width: 2, height: 1, open: [new Set(), new Set()] };

test('an open passage has no wall', () => {
  assert.equal(draw(corridor), '┌───────┐\n│       │\n└───────┘');
});

test('a closed one has', () => {
  assert.equal(draw(room), '┌───┬───┐\n│   │   │\n└───┴───┘');
});

test('a path is dotted', () => {
  assert.equal(draw(corridor, [0, 1]), '┌───────┐\n│ •   • │\n└───────┘');
});
