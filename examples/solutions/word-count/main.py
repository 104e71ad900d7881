"""Counts the words of a text and draws a chart of the most frequent ones.

Usage: main.py [FILE]   (default: texts/jabberwocky.txt; "-" reads standard input)
"""
import sys
from pathlib import Path

from wordcount.chart import bar_chart
from wordcount.count import longest, most_common, once, words

SAMPLE = Path(__file__).parent / "texts" / "jabberwocky.txt"


def read(name):
    return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")


def main(arguments):
    text = read(arguments[0]) if arguments else SAMPLE.read_text(encoding="utf-8")
    found = words(text)
    if not found:
        print("There are no words in it.")
        return
    print(text.strip().splitlines()[0])
    print()
    print(f"{len(found)} words, {len(set(found))} of them different, {len(once(found))} used once only")
    print()
    print("Most frequent")
    print(bar_chart(most_common(found, 8), width=40))
    print()
    print("Longest")
    print("  " + ", ".join(longest(found, 6)))


if __name__ == "__main__":
    main(sys.argv[1:])
