#!/usr/bin/env python3
"""Texts of the device target have the same outcome in a process, in QEMU and over vfio-user.

Run: python3 tests/vm/test_fuzz_play.py --build-dir DIR
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAY = ROOT / "tools/fuzz/play.py"
WAYS = ["process", "qemu", "vfio-user"]
# Move numbers and their arguments (tests/fuzz/device/grammar.h): a mode, moves, and RunOn at the end.
DECRYPT, READ_BACK, COMMAND, MESSAGE, RUN_ON = 18, 19, 2, 4, 7


class Played(unittest.TestCase):
    build = Path()

    def play(self, name: str, content: bytes) -> str:
        """The outcome, which is the same in each way."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            report = Path(folder) / "report"
            command = [sys.executable, "-B", str(PLAY), str(path), "--json", str(report),
                       "--reproduce", str(self.build / "tests/fuzz/device_reproduce")]
            if "WARD_TOOL" not in os.environ:
                command += ["--ward", str(self.build / "emulator/cli/ward")]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.splitlines()[-1], f"play: ways={','.join(WAYS)} agree=yes")
            outcomes = json.loads(report.read_text())["outcomes"]
        self.assertEqual(list(outcomes), WAYS)
        return outcomes["process"]

    def line_of(self, outcome: str, queue: int) -> str:
        return next(line for line in outcome.splitlines() if line.startswith(f"queue {queue} "))

    def test_a_decrypt_and_a_read_back(self) -> None:
        moves = bytes([0, DECRYPT, 1, 3, 100, 1, 0, READ_BACK, 1, 3, 2, 100, RUN_ON, 1])
        line = self.line_of(self.play("decrypt", moves), 1)
        self.assertIn("FAULT_STATUS OK REFUSAL_COUNT 0 ", line)
        self.assertNotIn("RING_HEAD 0x0", line)

    def test_a_command_that_faults(self) -> None:
        # FENCE 0, which has to grow.
        moves = bytes([0, COMMAND, 1, 1, 0, 0, RUN_ON, 1])
        self.assertIn("FAULT_STATUS FENCE_NOT_MONOTONIC", self.line_of(self.play("fault", moves), 1))

    def test_a_message(self) -> None:
        # DESTROY_SESSION of the queue's own session.
        moves = bytes([0, MESSAGE, 1, 1, 0x27]) + bytes(8) + bytes([0, 9, DECRYPT, 1, 3, 100, 1, 0, RUN_ON, 1, RUN_ON, 1])
        line = self.line_of(self.play("message", moves), 1)
        self.assertRegex(line, "REFUSAL_COUNT [1-9]")  # what was decrypted then has no session

    def test_a_script_runs_as_its_own_head_says(self) -> None:
        moves = bytes([0, DECRYPT, 1, 3, 100, 1, 0, READ_BACK, 1, 3, 2, 100, RUN_ON, 1])
        reproduce = str(self.build / "tests/fuzz/device_reproduce")
        plugin = os.environ.get("WARD_QEMU_PLUGIN", str(ROOT / "build/qemu/ward-qemu.so"))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "input").write_bytes(moves)
            subprocess.run([reproduce, "qtest", "input", "-o", "FILE"], cwd=folder, check=True, timeout=300)
            script = (folder / "FILE").read_text().splitlines()
            head = [line[4:] for line in script[:script.index("# Where the BARs are.")] if line.startswith("#   ")]
            command = "\n".join(head).replace("build/fuzz/tests/fuzz/device_reproduce", reproduce)
            done = subprocess.run(["bash", "-c", command.replace("build/qemu/ward-qemu.so", plugin)], cwd=folder,
                                  capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            # One for each line that is sent; behind the last one QEMU has ended.
            sent = [line for line in script if not line.startswith(("#", "clock_step"))]
            answers = dict(enumerate(done.stdout.splitlines()))
            self.assertEqual([len(answers), set(answer.split()[0] for answer in answers.values())], [len(sent), {"OK"}])
            values, number, is_outcome = [], 0, False
            for line in script:
                if line.startswith("#"):
                    is_outcome = line == "# outcome"
                elif not line.startswith("clock_step"):
                    values += answers[number].split()[1:] if is_outcome else []
                    number += 1
            told = subprocess.run([reproduce, "outcome", *values], capture_output=True, text=True, check=True, timeout=60)
            self.assertEqual(told.stdout, self.play("input", moves))

    def test_a_text_is_played_as_its_input_is(self) -> None:
        moves = bytes([0, COMMAND, 1, 1, 0, 7, RUN_ON, 1])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "input"
            path.write_bytes(moves)
            text = subprocess.run([str(self.build / "tests/fuzz/device_reproduce"), "text", str(path)],
                                  capture_output=True, check=True, timeout=300).stdout
        outcome = self.play("text", text)
        self.assertIn("LAST_FENCE 0x7 ", self.line_of(outcome, 1))
        for line in outcome.splitlines():
            self.assertIn(f"#   {line}\n", text.decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    Played.build = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
