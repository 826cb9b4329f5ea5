#!/usr/bin/env python3
"""What needs valgrind fails without it, and says what mends that: a test that is left out has shown nothing."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = {"tests/side_channels/test_side_channels.py": "tests/side_channels/ward_side_channels",
            "tests/valgrind/test_whole_path.py": "tests/valgrind/ward_whole_path"}
CRIES = "#!/bin/sh\necho 'All tests passed (1 assertion in 1 test case)'\n"


class Missing(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "bin").mkdir()

    def run_script(self, script):
        return subprocess.run([sys.executable, "-B", str(ROOT / script), "--build-dir", str(self.folder)],
                              env=os.environ | {"PATH": str(self.folder / "bin")}, text=True, timeout=60,
                              capture_output=True, check=False)

    def make(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def test_no_valgrind_is_a_failure(self):
        for script, program in PROGRAMS.items():
            with self.subTest(script):
                self.make(self.folder / program, CRIES)
                done = self.run_script(script)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stdout, "valgrind is missing; mend it with: ./dev setup")

    def test_no_program_is_a_failure(self):
        self.make(self.folder / "bin/valgrind", "#!/bin/sh\nexit 0\n")
        for script, program in PROGRAMS.items():
            with self.subTest(script):
                done = self.run_script(script)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{program} is missing; mend it with: ./dev setup", done.stdout)

    def test_memcheck_that_found_something_or_said_nothing_is_a_failure(self):
        script = "tests/valgrind/test_whole_path.py"
        self.make(self.folder / PROGRAMS[script], CRIES)
        good = "echo 'All tests passed (1 assertion in 1 test case)'; echo 'ERROR SUMMARY: 0 errors'"
        for said, code in ((good, 0), (f"{good}; exit 9", 1), (good.replace("0 errors", "2 errors"), 1),
                           ("echo 'ERROR SUMMARY: 0 errors'", 1), ("exit 0", 1)):
            with self.subTest(said):
                self.make(self.folder / "bin/valgrind", f"#!/bin/sh\n{said}\n")
                self.assertEqual(self.run_script(script).returncode, code)


if __name__ == "__main__":
    unittest.main()
