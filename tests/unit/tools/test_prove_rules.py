#!/usr/bin/env python3
"""What proves the conformance suite can itself fail: for a rule nobody enforces or lists, for a case
that proves nothing, and for a mutant that is not caught the way it should be."""
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/conformance"))
import rules as rule_list  # noqa: E402
import suite  # noqa: E402

RULE = """[[rule]]
name = "{name}"
source = "8.2"
text = "a command names its channel"
case = {case}
"""
# Plays a conformance program: what the case does follows from WARD_BROKEN_RULE.
PROGRAM = """#!/usr/bin/env python3
import os, sys, time
NAME = "Job.Case: holds, or not (8.2)"
if "--list-tests" in sys.argv:
    print(f"<L><TestCase><Name>{NAME}</Name><Tags>[negative]</Tags></TestCase></L>")
    sys.exit()
body = {None: "", "a.fails": '<Expression success="false"/>', "a.passes": "",
        "a.throws": "<Exception>text</Exception>",
        "a.dies": "", "a.hangs": ""}[os.environ.get("WARD_BROKEN_RULE")]
if os.environ.get("WARD_BROKEN_RULE") == "a.dies":
    os.abort()
if os.environ.get("WARD_BROKEN_RULE") == "a.hangs":
    time.sleep(60)
report = sys.argv[sys.argv.index("--reporter") + 1].removeprefix("xml::out=")
success = "false" if body else "true"
with open(report, "w") as file:
    file.write(f'<R><TestCase name="{NAME}">{body}<OverallResult success="{success}"/></TestCase></R>')
"""


class Rules(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def read(self, text):
        (self.folder / "part.toml").write_text(text)
        return rule_list.read_folder(self.folder)

    def compare(self, text, marks, names):
        rules, explanations, mistakes = self.read(text)
        cases = [suite.Case(name, "Job", frozenset(), pathlib.Path()) for name in names]
        return mistakes + rule_list.compare(rules, explanations, marks, cases)

    def test_rule_with_code_and_case_is_no_mistake(self):
        text = RULE.format(name="8.2.handle", case='"Job.Case"')
        self.assertEqual(self.compare(text, {"8.2.handle": {"x.cc"}}, ["Job.Case: holds"]), [])

    def test_each_mistake_is_named(self):
        good = RULE.format(name="8.2.handle", case='"Job.Case"')
        marks = {"8.2.handle": {"x.cc"}}
        for text, found, names, wanted in (
                (good, {}, ["Job.Case: a"], "nothing enforces it"),
                (good, marks | {"8.2.new": {"y.cc"}}, ["Job.Case: a"], "y.cc is not listed"),
                (good, marks, [], "which is not there"),
                (good, marks, ["Job.Casement: a"], "which is not there"),
                (good, marks, ["Job.Case: a", "Job.Other: b"], "catches no rule"),
                (good + '[[explained]]\ncase = "Job.Case"\nwhy = "w"\n', marks, ["Job.Case: a"],
                 "needs no explanation"),
                (good + good, marks, ["Job.Case: a"], "listed twice"),
                (RULE.format(name="8.2 handle", case='"Job.Case"'), {"8.2 handle": {"x.cc"}},
                 ["Job.Case: a"], "is no name"),
                (good + "colour = 1\n", marks, ["Job.Case: a"], "name, source, text and case"),
                (good.replace('"8.2"', '""'), marks, ["Job.Case: a"], "name, source, text and case")):
            with self.subTest(wanted):
                self.assertRegex("\n".join(self.compare(text, found, names)), wanted)

    def test_explained_case_is_no_mistake(self):
        text = '[[explained]]\ncase = "Job.Other"\nwhy = "w"\n'
        self.assertEqual(self.compare(text, {}, ["Job.Other: b"]), [])

    def test_each_pair_of_neighbours_is_proved_or_explained(self):
        order = '[[order]]\nsection = "8.2"\nchecks = ["key", "type", "size"]\n'
        unseen = '[[unseen]]\nsection = "8.2"\nfirst = "{}"\nsecond = "{}"\nwhy = "w"\n'
        rule = RULE.format(name="8.2.order.key_type", case='"Job.Case"')
        for text, wanted in (
                (order + unseen.format("type", "size") + rule, "^$"),
                (order + rule, "^no rule breaks the order 8.2: type before size$"),
                (order + unseen.format("key", "type") + unseen.format("type", "size") + rule,
                 "^'8.2.order.key_type' is listed: its order is seen$"),
                (order + unseen.format("type", "size") + unseen.format("key", "size") + rule,
                 "^'8.2.order.key_size' is no pair of neighbours$")):
            with self.subTest(wanted):
                self.assertRegex("\n".join(self.read(text)[2]), wanted)

    def test_marks_are_found_over_line_ends(self):
        (self.folder / "umd").mkdir()
        (self.folder / "umd/a.cc").write_text('if (WARD_RULE(\n    "8.2.x", a < b)) WARD_BROKEN("R1.y")')
        self.assertEqual(rule_list.find_marks(self.folder),
                         {"8.2.x": {"umd/a.cc"}, "R1.y": {"umd/a.cc"}})


class Proof(unittest.TestCase):
    def prove(self, *names):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "tests/conformance/conformance_fake"
            program.parent.mkdir(parents=True)
            program.write_text(PROGRAM)
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            rules = pathlib.Path(folder) / "rules"
            rules.mkdir()
            (rules / "fake.toml").write_text(
                "".join(RULE.format(name=name, case='"Job.Case"') for name in names))
            return subprocess.run(
                [sys.executable, ROOT / "tools/conformance/prove_rules.py", "--build", folder,
                 "--rules", rules, "--limit", "2"], capture_output=True, text=True, check=False)

    def test_rule_is_caught_by_a_failing_assertion_only(self):
        done = self.prove("a.fails", "a.passes", "a.throws", "a.dies", "a.hangs")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertNotIn("not caught: rule 'a.fails'", done.stdout)
        for name, outcome in (("passes", "passed"), ("throws", "threw an exception"),
                              ("dies", "signal 6"), ("hangs", "did not end within 2")):
            self.assertRegex(done.stdout, f"not caught: rule 'a.{name}': .*{outcome}")
        self.assertRegex(done.stdout, r"Job +1 +1 +5 +1\n")


if __name__ == "__main__":
    unittest.main()
