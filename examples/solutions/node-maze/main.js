// Carves a maze from a seed, finds the way out and draws both. Set MAZE_SEED for another maze.
import { draw } from './lib/draw.js';
import { carve } from './lib/maze.js';
import { randomFrom } from './lib/random.js';
import { solve } from './lib/solve.js';

const seed = Number(process.env.MAZE_SEED ?? 1871);
const maze = carve(19, 9, randomFrom(seed));
const path = solve(maze);

console.log(`Maze ${seed}`);
console.log(draw(maze));
console.log(`The way out takes ${path.length - 1} steps:`);
console.log(draw(maze, path));
