"""`./dev bench attachments`: every way to the chip gives every row, whatever the figures are.

Run: python3 tests/vm/test_bench.py --build-dir DIR
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
from bench import attachments, bench
from vm import newer_qemu
from vm.error import VmError

BUILD = Path()


def has_stock_qemu() -> bool:
    try:
        newer_qemu.find()
    except VmError:
        return False
    return True


class Attachments(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.json"
            with contextlib.redirect_stdout(output):
                cls.code = bench.main(["attachments", "--quick", "--build", str(BUILD), "--json", str(path)])
            cls.rows = json.loads(path.read_text())
        cls.output = output.getvalue()
        print(cls.output, flush=True)
        needs = {attachments.STOCK, attachments.STOCK_MESSAGES}
        cls.here = [(name, edu) for name, _, edu in attachments.ATTACHMENTS
                    if name not in needs or has_stock_qemu()]

    def test_every_attachment_gives_every_figure(self) -> None:
        self.assertEqual(self.code, 0)
        expected = {(f"{figure.title}: {who}", figure.unit)
                    for figure in attachments.FIGURES for name, edu in self.here
                    for who in (name, edu if figure.edu else "") if who}
        self.assertEqual({(row["name"], row["unit"]) for row in self.rows}, expected)
        self.assertEqual(len(self.rows), len(expected))

    def test_who_is_not_here_is_told(self) -> None:
        names = {name for name, _ in self.here}
        for name, _, _ in attachments.ATTACHMENTS:
            self.assertEqual(f"not run: {name}: " in self.output, name not in names)

    def test_rows_are_whole(self) -> None:
        values = {row["name"]: row["value"] for row in self.rows}
        goals = set()
        for row in self.rows:
            with self.subTest(row["name"]):
                self.assertEqual(list(row), ["name", "value", "unit", "baseline", "ratio", "goal", "met"])
                self.assertTrue(math.isfinite(row["value"]) and row["value"] > 0)
                title, _, name = row["name"].partition(": ")
                base = attachments.BASELINES.get(name, attachments.PLUGIN)
                self.assertEqual(row["baseline"], values.get(f"{title}: {base}"))
                self.assertEqual(row["ratio"], row["baseline"] and row["value"] / row["baseline"])
                self.assertEqual(row["goal"] is None, row["met"] is None)
                self.assertIn(row["met"], (None, True, False))
                if row["goal"]:
                    goals.add(row["name"])
        self.assertEqual(goals, {f"{figure.title}: {attachments.PLUGIN}"
                                 for figure in attachments.FIGURES if figure.goal})

    def test_every_row_is_printed(self) -> None:
        for row in self.rows:
            self.assertIn(f"\n{row['name']} ", self.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
