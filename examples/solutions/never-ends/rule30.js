// The cellular automaton Rule 30 on a ring of cells, ten lines a second, for ever. Each cell becomes left XOR (itself OR right).
const width = 61;
let cells = Array.from({ length: width }, (_, index) => index === (width - 1) / 2);

setInterval(() => {
  console.log(
    cells
      .map((alive) => (alive ? '█' : ' '))
      .join('')
      .trimEnd(),
  );
  cells = cells.map((alive, index) => cells.at(index - 1) !== (alive || cells[(index + 1) % width]));
}, 100);
