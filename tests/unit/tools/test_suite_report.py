#!/usr/bin/env python3
"""What becomes of a case is read from Catch2's report; a part that is skipped hides no failure."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools/conformance"))
import suite  # noqa: E402

SKIP = "<Skip>not here</Skip>"
GOOD = '<Expression success="true"><Original>a</Original></Expression>'
BAD = '<Expression success="false"><Original>a</Original></Expression>'
THROWN = '<Expression success="false"><Exception>what</Exception></Expression>'
FAIL = "<Failure>no way</Failure>"
CRASH = "<FatalErrorCondition>SIGSEGV</FatalErrorCondition>"


def outcome(parts, success, skips=0):
    report = (f'<Catch2TestRun><TestCase name=" A.b: c ">{parts}<OverallResult success="{success}" '
              f'skips="{skips}"/></TestCase></Catch2TestRun>')
    return suite.read_report(report)["A.b: c"]


class SuiteReportTest(unittest.TestCase):
    def test_cases_without_a_skip(self):
        self.assertEqual(outcome(GOOD, "true"), "passed")
        self.assertEqual(outcome(GOOD + BAD, "false"), "failed")
        self.assertEqual(outcome(f"<Section>{BAD}</Section>", "false"), "failed")
        self.assertEqual(outcome(THROWN, "false"), "failed")
        self.assertEqual(outcome(FAIL, "false"), "failed")
        self.assertEqual(outcome(BAD + CRASH, "false"), "crashed")
        self.assertEqual(outcome(GOOD, "false"), "threw an exception")

    def test_a_skip_is_one_inside_of_an_assertion_too(self):
        self.assertEqual(outcome(SKIP, "true", 1), "skipped")
        self.assertEqual(outcome(GOOD + SKIP, "true", 1), "skipped")
        self.assertEqual(outcome(SKIP + THROWN, "false", 1), "skipped")

    def test_a_skip_hides_no_failure(self):
        self.assertEqual(outcome(f"<Section>{BAD}</Section><Section>{SKIP}</Section>", "false", 1),
                         "failed")
        self.assertEqual(outcome(SKIP + FAIL, "false", 1), "failed")
        self.assertEqual(outcome(SKIP + CRASH, "false", 1), "crashed")


if __name__ == "__main__":
    unittest.main()
