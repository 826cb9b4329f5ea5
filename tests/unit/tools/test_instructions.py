#!/usr/bin/env python3
"""The check of instruction counts: what it reads out of callgrind, and what makes it fail."""
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
from bench import instructions

# Two functions of ours, one of a library between them; a call's line is the called one's inclusive cost.
DUMP = """# callgrind format
desc: Trigger: Client Request: noop 10
positions: line
events: Ir
summary: 1000

ob=/build/program
fl=???
fn=ward::Outer()
0 100
cob=/lib/libc.so.6
cfi=???
cfn=memcpy
calls=3 0
0 700
cfn=ward::Inner()
calls=1 0
0 23
0 5

ob=/lib/libc.so.6
fl=???
fn=memcpy
0 700

ob=/build/program
fn=ward::Inner()
0 20
0 3
"""
NAME = "compiler"


class DumpTest(unittest.TestCase):
    def test_own_instructions_alone_count(self):
        self.assertEqual(instructions.read_dump(DUMP, "/build/program"), ("noop", 12.8))
        self.assertEqual(instructions.read_dump(DUMP, "/lib/libc.so.6"), ("noop", 70.0))

    def test_a_dump_that_nobody_asked_for_is_a_mistake(self):
        with self.assertRaises(ValueError):
            instructions.read_dump(DUMP.replace("Client Request", "Program termination"), "/build/program")


class CheckTest(unittest.TestCase):
    def check(self, kept, counted):
        """Exit code and what was printed."""
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "kept.json"
            path.write_text(json.dumps({NAME: kept} if kept else {}))
            with mock.patch.object(instructions, "KEPT", path), \
                    mock.patch.object(instructions, "describe_build", return_value=NAME), \
                    mock.patch.object(instructions, "count_all", return_value=counted), \
                    contextlib.redirect_stdout(output):
                return instructions.check(pathlib.Path("/build")), output.getvalue()

    def test_as_many_or_few_more_pass(self):
        for counted in (100.0, 103.0, 97.0):
            with self.subTest(counted):
                self.assertEqual(self.check({"noop": 100.0}, {"noop": counted}),
                                 (0, f"instructions of each: noop {counted:g}\n"))

    def test_more_fail_and_the_command_that_keeps_them_is_named(self):
        code, output = self.check({"noop": 100.0, "fence": 50.0}, {"noop": 103.2, "fence": 50.0})
        self.assertEqual(code, 1)
        self.assertIn("noop: 103.2 instructions, 100 are kept (+3.2 %)\n", output)
        self.assertNotIn("fence", output)
        self.assertIn(instructions.UPDATE, output.splitlines()[-1])

    def test_a_figure_that_is_gone_or_new_fails(self):
        code, output = self.check({"noop": 100.0}, {"fence": 50.0})
        self.assertEqual(code, 1)
        self.assertIn("noop: there is no figure any more\n", output)
        self.assertIn("fence: 50 instructions, and nothing is kept\n", output)

    def test_fewer_pass_and_ask_to_be_kept(self):
        code, output = self.check({"noop": 100.0}, {"noop": 80.0})
        self.assertEqual(code, 0)
        self.assertEqual(output, f"noop takes 20 % less: keep that with: {instructions.UPDATE}\n")

    def test_a_compiler_without_figures_is_skipped_and_says_so(self):
        code, output = self.check({}, {"noop": 1.0})
        self.assertEqual(code, instructions.NOT_HERE)
        self.assertIn("no figures for this compiler (compiler)", output)

    def test_without_valgrind_it_fails_and_names_the_mend(self):
        with mock.patch.object(instructions.shutil, "which", return_value=None):
            with self.assertRaisesRegex(SystemExit, "valgrind is not installed: ./dev setup"):
                instructions.count_all(pathlib.Path("/build"))


class KeptTest(unittest.TestCase):
    def test_every_compiler_has_the_same_figures(self):
        kept = json.loads(instructions.KEPT.read_text())
        self.assertTrue(kept)
        names = {frozenset(figures) for figures in kept.values()}
        self.assertEqual(len(names), 1)
        for name in ("noop", "decrypt_64", "decrypt_4096", "fence", "register_read"):
            self.assertIn(name, next(iter(names)))


if __name__ == "__main__":
    unittest.main()
