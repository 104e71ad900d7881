/** The shortest path from the first cell to the last, both included; null if there is none. */
export function solve({ open }) {
  const goal = open.length - 1;
  const cameFrom = new Map([[0, null]]);
  const queue = [0];
  for (const cell of queue) {
    if (cell === goal) return pathTo(goal, cameFrom);
    for (const next of open[cell]) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, cell);
      queue.push(next);
    }
  }
  return null;
}

function pathTo(goal, cameFrom) {
  const path = [];
  for (let cell = goal; cell !== null; cell = cameFrom.get(cell)) path.unshift(cell);
  return path;
}
