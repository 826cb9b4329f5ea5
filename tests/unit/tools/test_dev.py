#!/usr/bin/env python3
"""./dev: its steps end with it, and wrong words are refused before anything is done."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ROOT = pathlib.Path(__file__).resolve().parents[3]
# The step has a child of its own, as a build has; both say who they are.
STEP = """
source "$1"
take_lock test
run_logged step build/log/step.log bash -c 'echo $$ >>pids; sleep 600 & echo $! >>pids; wait'
echo "the step gave $?"
"""


def is_alive(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


def heed_signals() -> None:
    """A shell can't set a trap for a signal that it was started to ignore."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


class StepTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def start(self) -> "subprocess.Popen[str]":
        # As a person's shell starts it: a group of its own, with the lock still to be taken.
        environment = {name: value for name, value in os.environ.items()
                       if name != "WARD_DEV_LOCK_HELD"}
        return subprocess.Popen(["bash", "-eu", "-c", STEP, "dev", str(ROOT / "tools/dev/common.sh")],
                                cwd=self.folder, env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True, preexec_fn=heed_signals)

    def wait_for_pids(self, process: "subprocess.Popen[str]"):
        path = self.folder / "pids"
        while process.poll() is None:
            pids = path.read_text().split() if path.exists() else []
            if len(pids) == 2:
                return [int(pid) for pid in pids]
        raise AssertionError(f"the step did not begin: {process.stdout.read()}")

    def test_signal_takes_the_whole_step_along(self):
        for number in SIGNALS:
            with self.subTest(number):
                (self.folder / "pids").unlink(missing_ok=True)
                with self.start() as process:
                    pids = self.wait_for_pids(process)
                    process.send_signal(number)
                    # The pipe ends when nobody is left who could write to it: no ticker, too.
                    output = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, 128 + number, output)
                self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def test_exit_code_of_a_step_is_handed_on(self):
        script = STEP.replace("bash -c '", "bash -c 'exit 7; ").replace(
            "\necho \"", " || echo \"")
        result = subprocess.run(["bash", "-eu", "-c", script, "dev",
                                 str(ROOT / "tools/dev/common.sh")], cwd=self.folder, text=True,
                                capture_output=True, timeout=60, check=False)
        self.assertEqual((result.stdout, result.stderr), ("the step gave 7\n", ""))


class UsageTest(unittest.TestCase):
    def run_dev(self, *words: str):
        result = subprocess.run(["bash", str(ROOT / "dev"), *words], text=True, timeout=60,
                                capture_output=True, check=False)
        return result.returncode, result.stdout, result.stderr

    def assert_refused(self, code: int, text: str, *words: str) -> None:
        with self.subTest(words):
            got, output, errors = self.run_dev(*words)
            self.assertEqual((got, output), (code, ""), errors)
            self.assertRegex(errors, text)

    def test_words_too_many_are_refused(self):
        for command in ("help", "doctor", "setup", "clean"):
            self.assert_refused(2, "'extra' is a word too many; usage: ./dev", command, "extra")
        self.assert_refused(2, "'debug' is a word too many", "build", "release", "debug")
        self.assert_refused(2, "'vm' is a word too many", "test", "unit", "vm")

    def test_bad_demo_arguments_are_refused_before_anything_is_built(self):
        self.assert_refused(2, "'0' is no number from 1 to 1000", "demo", "--frames", "0")
        self.assert_refused(2, "unrecognized arguments: --bogus", "demo", "--bogus")
        self.assert_refused(1, "^error: there is no file /no/such/clip\n$", "demo", "--input",
                            "/no/such/clip")
        self.assert_refused(1, "^error: / is not a file\n$", "demo", "--input=/")
        self.assert_refused(2, "--record wants a file: ./dev demo --record FILE", "demo", "--record")
        self.assert_refused(1, "^error: there is no folder /no/such to record to\n$", "demo",
                            "--record=/no/such/run.rec")
        self.assert_refused(1, "^error: / is no file to record to\n$", "demo", "--record", "/")

    def test_bad_bench_arguments_are_refused_before_anything_is_built(self):
        self.assert_refused(2, "there are no rows 'bogus'; there are: ", "bench", "bogus")
        self.assert_refused(2, "'0' is no number from 1 on", "bench", "--rounds", "0")
        self.assert_refused(2, "--json wants a file: ./dev bench --json FILE", "bench", "--json")
        self.assert_refused(2, "there is no folder /no/such", "bench", "--json=/no/such/rows")

    def test_help_of_the_bench_comes_at_once(self):
        code, output, _ = self.run_dev("bench", "--help")
        self.assertEqual(code, 0)
        self.assertRegex(output, "^usage: ./dev bench (.*\n)+.*attachments")

    def test_bad_faults_arguments_are_refused_before_anything_is_built(self):
        self.assert_refused(2, "there is no fault 'F21'; they are F1 to F20", "faults", "F21")
        self.assert_refused(2, "a seed is a number", "faults", "--seed", "-1")
        self.assert_refused(2, "--json wants a file: ./dev faults --json FILE", "faults", "--json")

    def test_help_of_the_faults_comes_at_once(self):
        code, output, _ = self.run_dev("faults", "--help")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"^usage: \./dev faults ")

    def test_bad_fuzz_arguments_are_refused_before_anything_is_built(self):
        self.assert_refused(2, "there is no target 'bogus'; there are: device, ", "fuzz", "bogus")
        self.assert_refused(2, "--jobs: 0 is no number from 1 to 1024", "fuzz", "device", "--jobs", "0")
        self.assert_refused(2, "there is no folder /no/such", "fuzz", "device", "--json", "/no/such/file")

    def test_targets_and_help_of_the_fuzzing_come_at_once(self):
        code, output, _ = self.run_dev("fuzz")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"(?m)^saved_state +edited saved states")
        code, output, _ = self.run_dev("fuzz", "--help")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"^usage: \./dev fuzz (.*\n)+.*--planted")

    def test_bad_soak_arguments_are_refused_before_anything_is_built(self):
        self.assert_refused(2, "--minutes: 0 is not from 5", "soak", "--minutes", "0")
        self.assert_refused(2, "unrecognized arguments: extra", "soak", "extra")
        self.assert_refused(2, "--json wants a file: ./dev soak --json FILE", "soak", "--json")

    def test_help_of_the_soak_comes_at_once(self):
        code, output, _ = self.run_dev("soak", "--help")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"^usage: \./dev soak ")

    def test_bad_matrix_arguments_are_refused_before_anything_is_built(self):
        self.assert_refused(2, 'there is no attachment "bogus"; there are: "in process", "vfio-user", ',
                            "test", "matrix", "--only", "TCP", "--only", "bogus")
        self.assert_refused(2, "unrecognized arguments: --bogus", "test", "matrix", "--bogus")
        self.assert_refused(2, "--only: expected one argument", "test", "matrix", "--only")

    def test_attachments_are_named_in_any_case(self):
        result = subprocess.run([sys.executable, "-B", str(ROOT / "tools/matrix/matrix.py"), "--check-arguments",
                                 "--only", "tcp", "--only", "Qemu PLUGIN"], text=True, timeout=60,
                                capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_help_of_the_matrix_comes_at_once(self):
        code, output, _ = self.run_dev("test", "matrix", "--help")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"^usage: \./dev test matrix (.*\n)+.*--only NAME")
        self.assertNotIn("--check-arguments", output)

    def test_help_of_the_demo_comes_at_once(self):
        code, output, _ = self.run_dev("demo", "--help")
        self.assertEqual((code, output),
                         (0, "usage: ./dev demo [--input FILE] [--frames N] [--record FILE]\n"))


if __name__ == "__main__":
    unittest.main()
