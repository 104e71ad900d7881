"""Draws the Mandelbrot set, with progress bars, and leaves a picture and a text in the output folder.

The folder is $OUTPUT_DIR, which a sandbox sets; elsewhere it is "output" in the working folder.
"""
import os
from pathlib import Path

from mandelbrot.fractal import rows
from mandelbrot.png import write_png
from mandelbrot.progress import progress

DEPTH = 60
SHADES = " .:-=+*#%@"

# From black through blue and white to gold and back, one colour for each number of steps; the set itself is black.
STOPS = [(0, 7, 100), (32, 107, 203), (237, 255, 255), (255, 170, 0), (0, 2, 0)]


def colour(steps):
    if steps == DEPTH:
        return (0, 0, 0)
    position = (steps / DEPTH) ** 0.6 * (len(STOPS) - 1)
    index = min(int(position), len(STOPS) - 2)
    share = position - index
    return tuple(round(a + (b - a) * share) for a, b in zip(STOPS[index], STOPS[index + 1]))


def shade(steps):
    return SHADES[steps * (len(SHADES) - 1) // DEPTH]


def main():
    output = Path(os.environ.get("OUTPUT_DIR", "output"))
    output.mkdir(exist_ok=True)
    palette = [colour(steps) for steps in range(DEPTH + 1)]

    picture = [[palette[steps] for steps in row] for row in progress("picture", rows(480, 320, DEPTH), 320)]
    write_png(output / "mandelbrot.png", picture)
    print("Wrote mandelbrot.png, 480 x 320 pixels")

    text = ["".join(map(shade, row)).rstrip() for row in progress("text", rows(72, 24, DEPTH), 24)]
    (output / "mandelbrot.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("Wrote mandelbrot.txt:")
    print("\n".join(text))


if __name__ == "__main__":
    main()
