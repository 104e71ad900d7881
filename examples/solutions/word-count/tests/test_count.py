import unittest

from wordcount.count import longest, most_common, once, words


class WordsTest(unittest.TestCase):
    def test_punctuation_and_digits_separate_words(self):
        self.assertEqual(words("One, two! 3 (three)…four"), ["one", "two", "three", "four"])

    def test_case_does_not_matter(self):
        self.assertEqual(words("The the THE"), ["the"] * 3)

    def test_an_apostrophe_or_hyphen_inside_belongs_to_the_word(self):
        self.assertEqual(words("'Twas snicker-snack - don't"), ["twas", "snicker-snack", "don't"])

    def test_letters_of_any_language_count(self):
        self.assertEqual(words("Ærø naïve über"), ["ærø", "naïve", "über"])

    def test_no_text_has_no_words(self):
        self.assertEqual(words(" \n "), [])


class StatisticsTest(unittest.TestCase):
    FOUND = "b a b c a b".split()

    def test_the_most_frequent_come_first(self):
        self.assertEqual(most_common(self.FOUND, 2), [("b", 3), ("a", 2)])

    def test_equal_counts_are_in_alphabetical_order(self):
        self.assertEqual(most_common("z y x".split(), 3), [("x", 1), ("y", 1), ("z", 1)])

    def test_words_used_once(self):
        self.assertEqual(once(self.FOUND), ["c"])

    def test_the_longest_come_first_and_each_once(self):
        self.assertEqual(longest("aa b ccc aa dd".split(), 3), ["ccc", "aa", "dd"])


if __name__ == "__main__":
    unittest.main()
