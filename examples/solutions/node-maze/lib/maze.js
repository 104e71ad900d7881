/**
 * A maze: `open` holds, for each cell (row by row), the set of the cells that it has a passage to.
 * @typedef {{ width: number, height: number, open: Set<number>[] }} Maze
 */

/** The cells beside a cell, within the maze. */
export function neighbours({ width, height }, cell) {
  const [x, y] = [cell % width, Math.floor(cell / width)];
  return [
    ...(y > 0 ? [cell - width] : []),
    ...(x < width - 1 ? [cell + 1] : []),
    ...(y < height - 1 ? [cell + width] : []),
    ...(x > 0 ? [cell - 1] : []),
  ];
}

/** Carves passages by walking at random and going back where there is no way on: any two cells are joined by exactly one path. */
export function carve(width, height, random) {
  const maze = { width, height, open: Array.from({ length: width * height }, () => new Set()) };
  const seen = new Set([0]);
  const trail = [0];
  while (trail.length > 0) {
    const here = trail.at(-1);
    const unseen = neighbours(maze, here).filter((cell) => !seen.has(cell));
    if (unseen.length === 0) {
      trail.pop();
      continue;
    }
    const next = unseen[Math.floor(random() * unseen.length)];
    maze.open[here].add(next);
    maze.open[next].add(here);
    seen.add(next);
    trail.push(next);
  }
  return maze;
}
