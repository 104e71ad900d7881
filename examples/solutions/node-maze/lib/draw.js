/** What stands on a corner, by the walls that meet there: 1 up, 2 right, 4 down, 8 left. */
const corners = ' ╵╶└╷│┌├╴┘─┴┐┤┬┼';

/** The maze in box-drawing characters, with dots along the path if one is given. */
export function draw({ width, height, open }, path = []) {
  const marked = new Set(path);
  const wallAbove = (x, y) => y === 0 || y === height || !open[y * width + x].has((y - 1) * width + x);
  const wallBefore = (x, y) => x === 0 || x === width || !open[y * width + x].has(y * width + x - 1);

  const corner = (x, y) =>
    corners[
      (y > 0 && wallBefore(x, y - 1) ? 1 : 0) +
        (x < width && wallAbove(x, y) ? 2 : 0) +
        (y < height && wallBefore(x, y) ? 4 : 0) +
        (x > 0 && wallAbove(x - 1, y) ? 8 : 0)
    ];

  const lines = [];
  for (let y = 0; y <= height; y++) {
    let walls = '';
    let cells = '';
    for (let x = 0; x <= width; x++) {
      walls += corner(x, y) + (x < width ? (wallAbove(x, y) ? '───' : '   ') : '');
      if (y < height)
        cells += (wallBefore(x, y) ? '│' : ' ') + (x < width ? (marked.has(y * width + x) ? ' • ' : '   ') : '');
    }
    lines.push(walls, ...(y < height ? [cells] : []));
  }
  return lines.join('\n');
}
