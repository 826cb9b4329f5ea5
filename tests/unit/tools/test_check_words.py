#!/usr/bin/env python3
"""The word check finds what it is for, and leaves ordinary text alone."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
import check_words  # noqa: E402

# Put together here, so that this file passes the check that it tests.
REFUSED = ["/wo" + "rk/main/x", "see /ho" + "me/someone/x", "http://deb.deb" + "ian.org/debian",
           "https://py" + "pi.org/simple", "// TO" + "DO: later", "# FIX" + "ME"]
PASSED = ["build/wo" + "rk/main", "mktemp -d ward.XXXXXX", "the rest of the work", "${dir}/wo" + "rk/a",
          "/dev/vfio/vfio", "bookworm-backports", "a hackneyed phrase", "https://www.debian.org/"]


class CheckWordsTest(unittest.TestCase):
    def found_in(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.md"
            path.write_text("first\n" + text + "\n", encoding="utf-8")
            return [line.removeprefix(str(path)) for line in check_words.find_words(str(path))]

    def test_each_refused_word_is_reported_with_its_line(self):
        for text in REFUSED:
            with self.subTest(text):
                found = self.found_in(text)
                self.assertEqual(len(found), 1)
                self.assertTrue(found[0].startswith(":2: "), found)

    def test_ordinary_text_passes(self):
        for text in PASSED:
            with self.subTest(text):
                self.assertEqual(self.found_in(text), [])


if __name__ == "__main__":
    unittest.main()
