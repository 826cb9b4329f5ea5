#!/usr/bin/env python3
"""`./dev bench`: what its rows say, that contestants take turns, and what is left out when one falls."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
from bench import attachments, bench, engine
from bench.comparison import Comparison, Entry, run_comparisons
from bench.group import Effort, Group, Result
from bench.probe import LocalProbe, Probe
from bench.rounds import CannotMeasure, take_turns
from bench.row import Goal, Row, make_row, show, table, write_json

FIELDS = ["name", "value", "unit", "baseline", "ratio", "goal", "met"]


class RowTest(unittest.TestCase):
    def test_a_goal_of_the_value_and_one_of_the_ratio(self):
        for value, baseline, goal, text, met in (
                (4000, None, Goal(5000), "<= 5.00 us", True),
                (6000, None, Goal(5000), "<= 5.00 us", False),
                (12, 10, Goal(1.2, of_ratio=True), "<= 1.2x", True),
                (13, 10, Goal(1.2, of_ratio=True), "<= 1.2x", False),
                (13, 10, Goal(1.2, of_ratio=True, at_most=False), ">= 1.2x", True),
                (11, 10, Goal(1.2, of_ratio=True, at_most=False), ">= 1.2x", False)):
            with self.subTest(text, value=value):
                row = make_row("row", value, "ns", baseline, goal)
                self.assertEqual((row.goal, row.met), (text, met))

    def test_a_goal_of_a_ratio_without_a_baseline_is_not_met(self):
        row = make_row("row", 1, "ns", None, Goal(1.2, of_ratio=True))
        self.assertEqual((row.ratio, row.met), (None, False))

    def test_the_ratio_is_value_by_baseline(self):
        self.assertEqual(make_row("row", 30, "MiB/s", 40),
                         Row("row", 30, "MiB/s", 40, 0.75, None, None))

    def test_values_for_people(self):
        for value, unit, text in ((33, "ns", "33.0 ns"), (5040, "ns", "5.04 us"),
                                  (123456789, "ns", "123 ms"), (2345.6, "MiB/s", "2,346 MiB/s"),
                                  (869e3, "/s", "869 k/s"), (3.34e6, "/s", "3.34 M/s"),
                                  (0.002, "MiB/s", "0.002 MiB/s")):
            self.assertEqual(show(value, unit), text)

    def test_every_row_is_a_line_with_all_columns(self):
        head, first, second = (line.split() for line in table(
            [make_row("slow", 12, "ns", 10, Goal(1.1, of_ratio=True)), make_row("lone", 7, "ns")]))
        self.assertEqual(head, ["value", "baseline", "ratio", "goal", "met"])
        self.assertEqual(first, ["slow", "12.0", "ns", "10.0", "ns", "1.20", "<=", "1.1x", "NO"])
        self.assertEqual(second, ["lone", "7.00", "ns", "-", "-", "-", "-"])

    def test_json_is_a_list_of_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rows"
            write_json([make_row("row", 12, "ns", 10, Goal(9)), make_row("lone", 7, "ns")], path)
            rows = json.loads(path.read_text())
        self.assertEqual([list(row) for row in rows], [FIELDS, FIELDS])
        self.assertEqual(list(rows[0].values()), ["row", 12, "ns", 10, 1.2, "<= 9.00 ns", False])
        self.assertEqual(list(rows[1].values()), ["lone", 7, "ns", None, None, None, None])


class TurnsTest(unittest.TestCase):
    def test_contestants_take_turns_and_the_median_counts(self):
        order, given = [], {"a": [3, 1, 2], "b": [9, 7, 50]}

        def contestant(name):
            def measure():
                order.append(name)
                return given[name][order.count(name) - 1]
            return measure

        medians = take_turns(3, {name: contestant(name) for name in given})
        self.assertEqual(order, ["a", "b"] * 3)
        self.assertEqual(medians.values, {"a": 2, "b": 9})
        self.assertEqual(medians.failures, {})

    def test_who_fails_once_is_left_out_and_not_asked_again(self):
        calls = []

        def falls():
            calls.append(1)
            if len(calls) == 2:
                raise CannotMeasure("it fell")
            return 1.0

        medians = take_turns(4, {"falls": falls, "stands": lambda: 2.0})
        self.assertEqual((medians.values, medians.failures, len(calls)),
                         ({"stands": 2.0}, {"falls": "it fell"}, 2))


class FakeProbe(Probe):
    """Answers with the number of its attachment, of which edu has the half."""

    def __init__(self, number, broken=""):
        super().__init__()
        self.number, self.broken = number, broken

    def _start(self, stack):
        if self.broken == "start":
            raise CannotMeasure("it does not come up")

    def _ask(self, line):
        _, kind, figure, count = line.split()
        assert int(count) > 0
        if figure == self.broken:
            return "failed it fell"
        return f"value {self.number / (2 if kind == 'edu' else 1)}"


class AttachmentsTest(unittest.TestCase):
    def run_group(self, openers) -> Result:
        with mock.patch.object(attachments, "ATTACHMENTS", openers), \
                mock.patch.object(attachments.playback, "create_identity"), \
                contextlib.redirect_stderr(io.StringIO()):
            return attachments.run(Effort(pathlib.Path("/no/build"), 2, 1000))

    def openers(self, **broken):
        """The real list, with fakes of 10, 20, ... in place of machines."""
        return tuple((name, lambda _, at=at, name=name: FakeProbe(10 * (at + 1), broken.get(name, "")),
                      edu) for at, (name, _, edu) in enumerate(attachments.ATTACHMENTS))

    def test_every_attachment_has_every_figure_beside_its_baseline(self):
        result = self.run_group(self.openers())
        self.assertEqual((result.notes, result.failures), ([], []))
        rows = {row.name: row for row in result.rows}
        self.assertEqual(len(rows), len(result.rows))
        for figure in attachments.FIGURES:
            for name, _, edu in attachments.ATTACHMENTS:
                row = rows.pop(f"{figure.title}: {name}")
                is_plugin = name == attachments.PLUGIN
                # The plugin gives 10, and its edu the half.
                baseline = 10 if not is_plugin else 5 if figure.edu else None
                self.assertEqual((row.unit, row.baseline), (figure.unit, baseline))
                self.assertEqual(row.goal is not None, is_plugin and figure.goal is not None)
                if edu and figure.edu:
                    self.assertEqual(rows.pop(f"{figure.title}: {edu}").baseline,
                                     None if is_plugin else 5)
        self.assertEqual(rows, {})

    def test_an_attachment_that_is_not_here_is_a_note(self):
        def not_here(_):
            raise attachments.NotHere("no such QEMU")
        openers = tuple((name, not_here if name == attachments.STOCK else opener, edu)
                        for name, opener, edu in self.openers())
        result = self.run_group(openers)
        self.assertEqual((result.notes, result.failures),
                         (["not run: stock QEMU: no such QEMU"], []))
        self.assertEqual([row.name for row in result.rows if row.name.endswith("stock QEMU")], [])

    def test_without_the_plugin_there_is_no_baseline(self):
        result = self.run_group(self.openers(**{attachments.PLUGIN: "start"}))
        self.assertEqual(result.failures, ["QEMU plugin: it does not come up"])
        self.assertNotEqual(result.rows, [])
        self.assertEqual({row.baseline for row in result.rows}, {None})

    def test_a_figure_that_fails_is_told_and_the_others_stay(self):
        result = self.run_group(self.openers(**{attachments.TCP: "copy"}))
        self.assertEqual(result.failures,
                         [f"copy to VRAM, {attachments.TCP}: gpu copy: it fell"])
        self.assertEqual(sum(row.name.endswith(attachments.TCP) for row in result.rows),
                         len(attachments.FIGURES) - 1)


class KindsProbe(FakeProbe):
    """Has the kinds "chip" and "evp" alone."""

    def _ask(self, line):
        return "value chip evp" if line == "kinds" else super()._ask(line)


class ComparisonTest(unittest.TestCase):
    ENTRIES = (Entry("ours", "chip", "decrypt", "theirs", Goal(2, of_ratio=True, at_most=False)),
               Entry("theirs", "evp", "decrypt"), Entry("another", "nettle", "decrypt", "theirs"))

    def run_comparison(self, probe, entries=ENTRIES) -> Result:
        result = Result([], [], [])
        with contextlib.redirect_stderr(io.StringIO()):
            run_comparisons(Effort(pathlib.Path("/no/build"), 3), probe,
                            [Comparison("decrypt", "MiB/s", 5, entries)], result)
        return result

    def test_each_entry_is_a_row_beside_its_baseline(self):
        result = self.run_comparison(KindsProbe(10), self.ENTRIES[:2])
        self.assertEqual((result.notes, result.failures), ([], []))
        self.assertEqual(result.rows, [Row("decrypt: ours", 10, "MiB/s", 10, 1, ">= 2x", False),
                                       Row("decrypt: theirs", 10, "MiB/s")])

    def test_a_library_that_the_build_did_not_find_is_a_note(self):
        result = self.run_comparison(KindsProbe(10))
        self.assertEqual(result.notes, ["not run: nettle: the build did not find nettle-dev"])
        self.assertEqual([row.name for row in result.rows], ["decrypt: ours", "decrypt: theirs"])

    def test_a_kind_that_has_to_be_there_fails(self):
        result = self.run_comparison(FakeKinds("chip"), self.ENTRIES[:2])
        self.assertEqual(result.failures, ["decrypt, theirs: evp decrypt: there is no evp"])

    def test_goals_of_the_ring_follow_the_processor(self):
        for has_vaes, ratio in ((True, ">= 3.5x"), (False, ">= 0.95x")):
            goals = {comparison.title: comparison.entries[0].goal
                     for comparison in engine.list_comparisons(has_vaes)}
            self.assertEqual(goals["decrypt 64 KiB"].text("MiB/s"), ratio)
            self.assertEqual(goals["decrypt 4 KiB"].text("MiB/s"), ">= 2x")
            self.assertEqual(goals["decrypt 1 KiB"].text("MiB/s"), ">= 1x")
            self.assertIsNone(goals["decrypt 64 B"])


class FakeKinds(FakeProbe):
    """Has one kind, and answers for no other."""

    def __init__(self, kind):
        super().__init__(10)
        self.kind = kind

    def _ask(self, line):
        if line == "kinds":
            return f"value {self.kind}"
        kind = line.split()[1]
        return super()._ask(line) if kind == self.kind else f"failed there is no {kind}"


class LocalProbeTest(unittest.TestCase):
    def start(self, script):
        return LocalProbe(["bash", "-c", script])

    def test_answers_come_line_by_line(self):
        with self.start('echo probe ready; while read -r w k f n; do echo "value $n"; done') as probe:
            self.assertEqual(probe.measure("gpu", "copy", 7), 7.0)
            self.assertEqual(probe.measure("gpu", "copy", 8), 8.0)

    def test_one_that_does_not_come_up_says_why(self):
        with self.assertRaisesRegex(CannotMeasure, "failed no such function"):
            with self.start("echo failed no such function"):
                self.fail("it came up")

    def test_one_that_ends_is_noticed(self):
        with self.start("echo probe ready; read -r line") as probe:
            with self.assertRaisesRegex(CannotMeasure, "the probe has ended"):
                probe.measure("gpu", "copy", 1)

    def test_one_that_ended_before_it_was_asked(self):
        with self.start("echo probe ready") as probe:
            probe._process.wait()
            with self.assertRaisesRegex(CannotMeasure, "the probe has ended"):
                probe.measure("gpu", "copy", 1)


class CommandTest(unittest.TestCase):
    def run_command(self, result: Result, *words: str):
        group = Group("fakes", "rows of nothing", lambda effort: result)
        output = io.StringIO()
        with mock.patch.object(bench, "GROUPS", [group]), contextlib.redirect_stdout(output):
            code = bench.main(list(words))
        return code, output.getvalue()

    def test_a_missed_goal_is_told_and_is_no_failure(self):
        code, output = self.run_command(Result([make_row("slow", 9, "ns", None, Goal(1))], [], []))
        self.assertEqual(code, 0)
        self.assertRegex(output, r"slow .* NO\n")

    def test_what_should_have_worked_fails_the_run(self):
        code, output = self.run_command(Result([make_row("row", 9, "ns")], ["a note"], ["it fell"]))
        self.assertEqual(code, 1)
        self.assertRegex(output, "a note\n(.*\n)*FAILED: it fell\n")

    def test_a_run_without_any_row_fails(self):
        self.assertEqual(self.run_command(Result([], ["not run: all of it"], []))[0], 1)

    def test_wrong_words_are_refused(self):
        for words, text in ((["nothing"], "no rows 'nothing'; there are: fakes"),
                            (["--rounds", "0"], "no number from 1 on"),
                            (["--page", "--quick"], "figures of --quick mean nothing"),
                            (["--page"], "no place for 'fakes'"),
                            (["--json", "/no/such/rows"], "no folder /no/such")):
            errors = io.StringIO()
            with self.subTest(words), contextlib.redirect_stderr(errors):
                with self.assertRaises(SystemExit) as ended:
                    self.run_command(Result([], [], []), *words)
                self.assertEqual(ended.exception.code, 2)
                self.assertIn(text, errors.getvalue())

    def test_the_last_line_sums_up(self):
        rows = [make_row("slow", 9, "ns", None, Goal(1)), make_row("fast", 1, "ns", None, Goal(9)),
                make_row("free", 1, "ns")]
        self.assertEqual(self.run_command(Result(rows, [], []))[1].splitlines()[-1], "3 rows, 1 of 2 goals met")

    def test_groups_that_fail_are_not_kept_for_the_page(self):
        for failures, kept in (([], {"fakes"}), (["it fell"], None)):
            with self.subTest(failures), mock.patch.object(bench.report, "require_places"), \
                    mock.patch.object(bench.report, "keep") as keep:
                self.run_command(Result([make_row("row", 9, "ns")], [], failures), "--page")
                self.assertEqual(set(keep.call_args.args[2]) if keep.called else None, kept)

    def test_groups_have_names_and_places_of_their_own(self):
        names = [group.name for group in bench.GROUPS]
        self.assertEqual(len(set(names)), len(names))
        bench.report.require_places(bench.report.BOOK.page.read_text(), names)


if __name__ == "__main__":
    unittest.main()
