#!/usr/bin/env python3
"""Each oracle that the sources of a fuzz target name has a planted bug, or a test that proves it."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/fuzz"))
import oracle_names  # noqa: E402
import planted  # noqa: E402
import planted_page  # noqa: E402

SOURCE = """
// Expect(false, "commented", "out");
constexpr const char* kOracle = "constant";
void Check(int a) {
  Expect(Holds(a, "text, and a bracket ("), "literal", "what");
  Expect(a == 0, a == 1 ? "one" : "other", "what");
  Expect(a != 0,
         kOracle, "broken, over lines");
  OracleFell("fell", "what");
}
"""
SCANNER = """
void Add(Scanner* scanner) { scanner->Add("key_canary", key); }
void Look(const char* what) {
  if (const char* secret = scanner->Find(bytes)) OracleFell(secret, "what");
}
"""


class Names(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.corpora = pathlib.Path(scratch.name)
        self.folder = self.corpora / "device"
        self.folder.mkdir()
        (self.corpora / "targets.toml").write_text('[device]\nabout = "one"\n')

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def unproven(self, *oracles):
        bugs = [planted.Bug(f"Bug{oracle}", "device", "leak", oracle, "A bug.") for oracle in oracles]
        return planted.unproven(bugs, self.corpora)

    def test_literals_constants_and_choices_are_read(self):
        self.write("one.cc", SOURCE)
        self.assertEqual(oracle_names.named(self.folder), {"constant", "literal", "one", "other", "fell"})

    def test_what_a_scanner_finds_was_added_to_it(self):
        self.write("one.cc", SCANNER)
        self.assertEqual(oracle_names.named(self.folder), {"key_canary"})

    def test_a_name_that_cannot_be_read_is_a_mistake(self):
        for text in ("void F(const char* name) { Expect(a, name, b); }", "OracleFell(NameOf(a), b);", "Expect(a, b"):
            with self.subTest(text):
                self.write("one.cc", text)
                mistakes = self.unproven()
                self.assertEqual(len(mistakes), 1)
                self.assertIn("one.cc: ", mistakes[0])

    def test_an_oracle_without_a_bug_is_a_mistake(self):
        self.write("one.cc", 'Expect(a, "proven", b); Expect(a, "bare", b);')
        mistakes = self.unproven("proven")
        self.assertEqual(len(mistakes), 1)
        self.assertIn("nothing shows that the oracle bare of device can fall", mistakes[0])

    def test_a_target_may_prove_its_oracles_itself(self):
        self.write("one.cc", 'Expect(a, "bare", b);')
        self.write("prove_oracles.py", 'BUGS = {"input.kept": "oracle bare"}')
        self.assertEqual(self.unproven(), [])

    def test_a_bug_for_an_oracle_that_there_is_not_is_a_mistake(self):
        self.write("one.cc", 'Expect(a, "proven", b);')
        self.assertEqual(self.unproven("proven", "sanitizer", "assertion"), [])
        self.assertIn("device has no oracle renamed", self.unproven("proven", "renamed")[0])


class Tree(unittest.TestCase):
    """What stands here, without a program."""

    def test_each_oracle_has_a_bug_or_a_proof(self):
        bugs = planted_page.read_bugs(planted_page.HEADER.read_text(encoding="utf-8"))
        self.assertEqual(planted.unproven(bugs, planted.FOLDER), [])

    def test_the_guide_lists_the_oracles_of_the_device(self):
        page = (ROOT / "docs/guide/fuzzing.md").read_text(encoding="utf-8")
        rows = page.split("## Oracles of device", 1)[1].split("\n## ", 1)[0]
        for name in oracle_names.named(planted.FOLDER / "device"):
            with self.subTest(name):
                self.assertIn(f"| `{name}` | ", rows)


if __name__ == "__main__":
    unittest.main()
