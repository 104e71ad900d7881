import unittest

from wordcount.chart import bar, bar_chart


class BarTest(unittest.TestCase):
    def test_a_full_share_fills_the_width(self):
        self.assertEqual(bar(1, 5), "█████")

    def test_a_part_of_a_character_is_drawn(self):
        self.assertEqual(bar(0.25, 6), "█▌")

    def test_nothing_is_empty(self):
        self.assertEqual(bar(0, 5), "")


class BarChartTest(unittest.TestCase):
    def test_labels_are_aligned_and_the_largest_is_full(self):
        self.assertEqual(bar_chart([("long", 4), ("a", 2)], width=4), "  long ████ 4\n     a ██ 2")

    def test_no_pairs_make_no_chart(self):
        self.assertEqual(bar_chart([], width=4), "")


if __name__ == "__main__":
    unittest.main()
