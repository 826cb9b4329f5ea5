"""`./dev bench` of what runs in one process: every row is there and whole, whatever its figure is.

Run: python3 tests/bench/test_in_process.py --build-dir DIR
"""

import argparse
import contextlib
import io
import json
import math
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from bench import bench, chip, engine
from bench.comparison import ABSENT, open_probe
from bench.group import Effort

BUILD = Path()
GROUPS = {"engine": engine.list_comparisons(True), "chip": list(chip.COMPARISONS)}
# Rows of the group chip that no probe gives, or a probe of their own.
DEVICES = {"start of a device": 3, "resident memory of an idle device": 3,
           "committed memory of an idle device": 3}


class InProcess(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.json"
            with contextlib.redirect_stdout(output):
                cls.code = bench.main([*GROUPS, "--quick", "--build", str(BUILD), "--json", str(path)])
            cls.rows = json.loads(path.read_text())
        cls.output = output.getvalue()
        print(cls.output, flush=True)
        with open_probe(Effort(BUILD, 1)) as probe:
            cls.kinds = probe.list_kinds()

    def test_every_comparison_gives_every_row(self) -> None:
        self.assertEqual(self.code, 0)
        expected = {f"{comparison.title}: {entry.name}"
                    for comparisons in GROUPS.values() for comparison in comparisons
                    for entry in comparison.entries if entry.kind in self.kinds}
        names = [row["name"] for row in self.rows if row["name"].split(": ")[0] not in DEVICES]
        self.assertEqual(sorted(names), sorted(expected))
        for title, count in DEVICES.items():
            self.assertEqual(sum(row["name"].startswith(title + ": ") for row in self.rows), count)

    def test_what_this_machine_has_not_is_told(self) -> None:
        for kind, why in ABSENT.items():
            self.assertEqual(f"not run: {kind}: {why}\n" in self.output, kind not in self.kinds)

    def test_rows_are_whole(self) -> None:
        values = {row["name"]: row["value"] for row in self.rows}
        for row in self.rows:
            with self.subTest(row["name"]):
                # A further device may fit into pages that are there already.
                self.assertTrue(math.isfinite(row["value"]) and
                                (row["value"] > 0 or "memory" in row["name"]))
                self.assertEqual(row["goal"] is None, row["met"] is None)
                self.assertEqual(row["ratio"], row["baseline"] and row["value"] / row["baseline"])
                if row["baseline"] is not None:
                    self.assertIn(row["baseline"], values.values())

    def test_goals_of_ratios_have_a_baseline(self) -> None:
        goals = [row for row in self.rows if row["goal"]]
        self.assertGreaterEqual(len(goals), 10)
        for row in goals:
            if row["goal"].endswith("x"):
                self.assertIsNotNone(row["baseline"], row["name"])
        self.assertIn(f"{len(self.rows)} rows, {sum(row['met'] for row in goals)} of {len(goals)} goals met",
                      self.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
