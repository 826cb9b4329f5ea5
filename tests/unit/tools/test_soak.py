#!/usr/bin/env python3
"""./dev soak finds what grows: series whose growth is known, and processes that leak on purpose."""
import contextlib
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
from soak import growth, process, soak  # noqa: E402
from soak.stack import Tally  # noqa: E402

LEAK = """
import os, sys, time
kept = []
while True:
    if "memory" in sys.argv:
        kept.append(bytearray(b"x" * 65536))
    if "descriptors" in sys.argv:
        kept.append(os.open("/dev/null", os.O_RDONLY))
    time.sleep(0.02)
"""


def series(rss, seconds=3600, descriptors=lambda at: 9):
    return [growth.Sample(float(at), rss(at), descriptors(at), 3) for at in range(0, seconds)]


class Fitting(unittest.TestCase):
    def per_hour(self, rss, warm_up_s=600):
        return growth.kib_per_hour(growth.after_warm_up(series(rss), warm_up_s))

    def test_a_line_has_its_slope(self):
        self.assertAlmostEqual(self.per_hour(lambda at: 50000 + at * 2.0), 7200, delta=1)
        self.assertAlmostEqual(self.per_hour(lambda at: 50000 - at * 0.5), -1800, delta=1)

    def test_what_does_not_change_does_not_grow(self):
        self.assertEqual(self.per_hour(lambda at: 50000), 0)

    def test_sessions_that_come_and_go_are_no_growth_and_hide_none(self):
        noise = random.Random(1)
        self.assertAlmostEqual(self.per_hour(lambda at: 50000 + noise.random() * 4000), 0, delta=150)
        self.assertAlmostEqual(self.per_hour(lambda at: 50000 + at + noise.random() * 4000), 3600, delta=200)

    def test_growth_before_the_end_of_the_warm_up_is_none(self):
        self.assertEqual(self.per_hour(lambda at: 50000 + min(at, 600) * 100), 0)

    def test_one_step_is_less_than_a_line_through_it(self):
        self.assertLess(self.per_hour(lambda at: 50000 + (1024 if at > 1200 else 0)), 400)

    def test_counts_that_creep_are_seen_and_those_that_swing_are_not(self):
        self.assertEqual(growth.creeping([9, 12, 9, 12, 9, 12]), 0)
        self.assertEqual(growth.creeping([9, 9, 10, 10, 12, 12]), 3)
        self.assertEqual(growth.creeping([12, 9, 9]), 0)


class Processes(unittest.TestCase):
    def watch(self, what):
        child = subprocess.Popen([sys.executable, "-c", LEAK, what])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        samples = []
        start = time.monotonic()
        while len(samples) < 30:
            sample = process.read_sample(child.pid, time.monotonic() - start)
            samples.append(sample)
            time.sleep(0.1)
        return soak.judge("fake", samples, 0.5)

    def test_a_process_that_leaks_memory_is_caught(self):
        found = self.watch("memory")
        self.assertGreater(found.kib_per_hour, 100 * soak.LIMIT_KIB_PER_HOUR)
        self.assertFalse(found.is_within(soak.LIMIT_KIB_PER_HOUR))
        self.assertEqual(found.descriptors, 0)

    def test_a_process_that_leaks_descriptors_is_caught(self):
        found = self.watch("descriptors")
        self.assertGreater(found.descriptors, 5)
        self.assertFalse(found.is_within(1e9))

    def test_a_process_that_leaks_nothing_is_not(self):
        found = self.watch("nothing")
        self.assertTrue(found.is_within(soak.LIMIT_KIB_PER_HOUR), found)

    def test_one_that_is_gone_is_told(self):
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        self.assertIsNone(process.read_sample(child.pid, 0))


class FakeProcess:
    def __init__(self, name, code):
        self.name, self.pid = name, 0
        self.process = mock.Mock(returncode=code)

    def complaints(self):
        return []

    def lines(self):
        return ["its last words"]


class FakeStack:
    """Of two processes that hold what a test says."""

    def __init__(self, tally, server_code=0, player_code=0):
        self._tally, self.server_code = tally, server_code
        self.server, self.players = FakeProcess("ward serve", 0), [FakeProcess("served", player_code)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def processes(self):
        return [self.server, *self.players]

    def tally(self):
        return self._tally


class Verdict(unittest.TestCase):
    def run_soak(self, stack, samples, faults=()):
        output = io.StringIO()
        watched = ({each.name: samples for each in stack.processes()}, list(faults))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(output), \
                mock.patch.object(soak, "Stack", lambda build, name: stack), \
                mock.patch.object(soak, "watch", lambda *_: watched):
            path = pathlib.Path(folder) / "soak.json"
            code = soak.main(["--minutes", "60", "--json", str(path)])
            document = json.loads(path.read_text())
        return code, output.getvalue().splitlines(), document

    def test_the_last_line_has_the_figures(self):
        code, lines, document = self.run_soak(FakeStack(Tally(2, 16, 32, 8, 0)), series(lambda at: 50000))
        self.assertEqual(code, 0)
        self.assertRegex(lines[-1], r"^soak: \S+ min, 16 sessions, 32 frames, growth 0 KiB/h \(limit 1024\), faults 0$")
        self.assertEqual(document["frames"], 32)
        self.assertTrue(all(each["within"] for each in document["processes"]))

    def test_growth_over_the_limit_is_a_failure(self):
        code, lines, _ = self.run_soak(FakeStack(Tally(2, 16, 32, 8, 0)), series(lambda at: 50000 + at))
        self.assertEqual(code, 1)
        self.assertIn("growth 3600 KiB/h (limit 1024), faults 0", lines[-1])

    def test_descriptors_that_are_lost_are_a_failure(self):
        code, _, document = self.run_soak(FakeStack(Tally(2, 16, 32, 8, 0)),
                                          series(lambda at: 50000, descriptors=lambda at: 9 + at // 600))
        self.assertEqual(code, 1)
        self.assertGreater(document["processes"][0]["descriptors"], 0)

    def test_faults_and_ends_are_failures(self):
        quiet = series(lambda at: 50000)
        for stack, faults in ((FakeStack(Tally(), 0), ()), (FakeStack(Tally(1, 2, 4, 1, 0), -9), ()),
                              (FakeStack(Tally(1, 2, 4, 1, 1), 0, 1), ()),
                              (FakeStack(Tally(1, 2, 4, 1, 0)), ["ward serve was gone after 3 s"])):
            self.assertEqual(self.run_soak(stack, quiet, faults)[0], 1)

    def test_wrong_arguments_are_refused(self):
        for arguments in (["--minutes", "0"], ["--minutes", "x"], ["--limit", "-1"], ["extra"]):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as end:
                soak.main(arguments)
            self.assertEqual(end.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
