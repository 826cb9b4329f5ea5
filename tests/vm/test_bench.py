"""`./dev bench`: every way to the chip, and every rival in a guest, gives every row, whatever the figures are.

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
from typing import Any, Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from bench import attachments, bench, rivals
from vm import kernel, newer_qemu
from vm.error import VmError

BUILD = Path()


def has_stock_qemu() -> bool:
    try:
        newer_qemu.find()
    except VmError:
        return False
    return True


class Run(NamedTuple):
    code: int
    rows: List[Dict[str, Any]]
    output: str


def run_quickly(group: str) -> Run:
    output = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        with contextlib.redirect_stdout(output):
            code = bench.main([group, "--quick", "--build", str(BUILD), "--json", str(path)])
        rows = json.loads(path.read_text())
    print(output.getvalue(), flush=True)
    return Run(code, rows, output.getvalue())


class Attachments(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.code, cls.rows, cls.output = run_quickly("attachments")
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


class Rivals(unittest.TestCase):
    """That each result is the plaintext, that large buffers have large pages, and that a submission
    makes no system call, the probe in the guest sees to: else it gives no figure."""

    @classmethod
    def setUpClass(cls) -> None:
        if not kernel.has_apt():
            raise unittest.SkipTest("its guest's kernel is a package of Debian's")
        kernel.prepare(kernel.STANDARD)
        cls.code, cls.rows, cls.output = run_quickly("rivals")

    def test_everyone_decrypts_every_size(self) -> None:
        self.assertEqual(self.code, 0)
        names = {row["name"] for row in self.rows}
        for size in rivals.SIZES.values():
            for ours in (rivals.POLLED, rivals.INTERRUPT, rivals.OPEN_POLLED, rivals.OPEN_INTERRUPT):
                with self.subTest(f"{size}, {ours}"):
                    self.assertTrue(any(name.startswith(f"decrypt {size}: {ours}, against ")
                                        for name in names))
            self.assertIn(f"decrypt {size}: {rivals.OPENSSL}", names)
            self.assertIn(f"decrypt {size}: {rivals.KERNEL}, against {rivals.OPENSSL}", names)
            virtio = f"decrypt {size}: {rivals.VIRTIO}"
            self.assertNotEqual(virtio in names, f"fails: {virtio}: " in self.output)

    def test_rows_are_whole(self) -> None:
        values = {row["name"]: row["value"] for row in self.rows}
        self.assertEqual(len(values), len(self.rows))
        for row in self.rows:
            with self.subTest(row["name"]):
                self.assertTrue(math.isfinite(row["value"]) and row["value"] > 0)
                ours, against, rival = row["name"].partition(", against ")
                if against:
                    baseline = values[f"{ours.partition(': ')[0]}: {rival}"]
                    self.assertEqual((row["baseline"], row["ratio"]), (baseline, row["value"] / baseline))
                self.assertEqual(row["goal"] is None, row["met"] is None)

    def test_what_the_driver_does_is_measured(self) -> None:
        names = {row["name"] for row in self.rows}
        for figure in rivals.DRIVER_FIGURES:
            for name, _ in figure.figures:
                self.assertIn(f"{figure.title}: {name}", names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
