"""Words of a text, and what can be said of them. Ties are broken by the alphabet, so that results are always the same."""
import re
from collections import Counter

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def words(text):
    """The words in their order, in lower case; an apostrophe or hyphen inside a word belongs to it."""
    return [match.group().lower() for match in WORD.finditer(text)]


def most_common(found, limit):
    """Pairs of word and count, the most frequent first."""
    ranked = sorted(Counter(found).items(), key=lambda pair: (-pair[1], pair[0]))
    return ranked[:limit]


def once(found):
    """The words that are used only once, in alphabetical order."""
    return sorted(word for word, count in Counter(found).items() if count == 1)


def longest(found, limit):
    """Different words, the longest first."""
    return sorted(set(found), key=lambda word: (-len(word), word))[:limit]
