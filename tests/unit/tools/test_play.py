#!/usr/bin/env python3
"""./dev fuzz --play: the ways of a text are compared, and what can't be played is said."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FUZZ = ROOT / "tools/fuzz"
sys.path.insert(0, str(FUZZ))
import play  # noqa: E402

# Says what device_reproduce says.
PROGRAM = """#!{python}
import sys
if sys.argv[1] == "run":
    if "bad" in sys.argv[2]:
        sys.exit("device_reproduce: " + sys.argv[2] + ":3: no operation is called \\"x\\"")
    print("digest 0123456789abcdef")
    print("queue 0 FAULT_STATUS OK\\nKEY_EPOCH 1")
"""


class FakeMachine:
    """Knows what it was asked."""

    def __init__(self):
        self.asked, self.rests = [], 0

    def ask(self, line):
        self.asked.append(line)
        return "0x2a" if line.startswith("readl") else ""

    def rest(self, _registers):
        self.rests += 1


class Ways(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.program = self.folder / "device_reproduce"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(0o755)
        for name in ("text", "bad"):
            (self.folder / name).write_text("process 0x1\n")

    def command(self, *words):
        return [sys.executable, "-B", str(FUZZ / "play.py"), "--caller-dir", str(self.folder), "--reproduce",
                str(self.program), *words]

    def run_play(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_one_way_is_played_and_told_and_agrees_with_nobody(self):
        code, output, errors = self.run_play("text", "--in", "process", "--json", "report")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(output, "process:\n  queue 0 FAULT_STATUS OK\n  KEY_EPOCH 1\n"
                                 "play: ways=process agree=nothing-to-compare\n")
        report = json.loads((self.folder / "report").read_text())
        self.assertEqual((report["agree"], report["outcomes"]["process"]),
                         (None, "queue 0 FAULT_STATUS OK\nKEY_EPOCH 1\n"))

    def test_a_signal_ends_it_and_what_it_started_even_where_the_shell_ignored_it(self):
        pid_file = self.folder / "pid"
        self.program.write_text(f"#!{sys.executable}\nimport os, sys, time\nif sys.argv[1] == 'run':\n"
                                f"    open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n")
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                pid_file.unlink(missing_ok=True)
                with subprocess.Popen(self.command("text", "--in", "process"), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, start_new_session=True,
                                      preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as process:
                    end = time.monotonic() + 30
                    while not (pid_file.exists() and pid_file.read_text()):
                        self.assertLess(time.monotonic(), end, "the player was not started")
                        time.sleep(0.02)
                    process.send_signal(number)
                    _, errors = process.communicate(timeout=30)
                self.assertEqual((process.returncode, errors), (128 + number, "play: interrupted\n"))
                with self.assertRaises(ProcessLookupError):
                    os.kill(int(pid_file.read_text()), 0)

    def test_a_report_that_can_t_be_written_is_told(self):
        code, output, errors = self.run_play("text", "--in", "process", "--json", "/dev/full")
        self.assertEqual((code, errors.count("\n")), (2, 1), errors)
        self.assertIn("error: /dev/full: No space left on device", errors)
        self.assertIn("play: ways=process", output)

    def test_a_text_that_is_none_is_told_with_its_line(self):
        code, _, errors = self.run_play("bad", "--in", "process")
        self.assertEqual(code, 1)
        self.assertIn(':3: no operation is called "x"', errors)

    def test_what_is_missing_is_said_with_the_command_that_mends_it(self):
        code, output, errors = self.run_play("text", "--in", "vfio-user", "--ward", "no-ward")
        self.assertEqual((code, output), (1, ""))
        self.assertRegex(errors, "there is no .*/no-ward; make it with: ./dev build release")
        code, _, errors = self.run_play("none")
        self.assertEqual(code, 2)
        self.assertIn("there is no file", errors)

    def test_a_folder_that_options_of_qemu_can_t_name_is_told(self):
        comma = self.folder / "a,b"
        comma.mkdir()
        for way in ("qemu", "vfio-user"):
            done = subprocess.run(self.command("text", "--in", way, "--ward", str(self.program), "--plugin",
                                               str(self.program)), env=dict(os.environ, TMPDIR=str(comma)),
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, "/a,b/.* has a comma, .*TMPDIR=/tmp ./dev fuzz --play")

    def test_a_folder_in_place_of_the_outcomes_file_is_refused_before_anything_is_played(self):
        code, output, errors = self.run_play("text", "--in", "process", "--json", ".")
        self.assertEqual((code, output), (2, ""))
        self.assertIn("--json: . is a folder", errors)

    def test_builds_are_those_of_the_ways(self):
        for words, builds in {(): "release device_reproduce ward\ndevice\n",
                              ("--in", "process"): "release device_reproduce\n",
                              ("--in", "qemu"): "release device_reproduce\ndevice\n"}.items():
            self.assertEqual(self.run_play("text", *words, "--builds"), (0, builds, ""))

    def test_lines_in_which_ways_differ_are_found(self):
        self.assertEqual(play.differences({"process": "a\nb\n", "qemu": "a\nb\n"}), [])
        self.assertTrue(play.verdict({"process": "a", "qemu": "a"}, []))
        self.assertFalse(play.verdict({"process": "a", "qemu": "b"}, ["process: a | qemu: b"]))
        self.assertEqual(play.differences({"process": "a\nb\n", "qemu": "a\nc\n"}), ["process: b | qemu: c"])
        self.assertEqual(play.differences({"process": "a\nb\n", "qemu": "a\n"}), ["process: b | qemu: nothing"])

    def test_a_script_is_played_without_its_comments_and_its_end_is_read(self):
        machine = FakeMachine()  # of a QEMU whose time passes by itself
        values = play.play_qtest(machine, "# head\nwritel 0x10 0x1\nreadl 0x20\n# rest\nclock_step 1\n# outcome\n"
                                          "readl 0x30\nreadl 0x34\n# 0 operations were left out\n")
        self.assertEqual(values, ["0x2a", "0x2a"])
        self.assertEqual(machine.asked, ["writel 0x10 0x1", "readl 0x20", "readl 0x30", "readl 0x34"])
        self.assertEqual(machine.rests, 1)


if __name__ == "__main__":
    unittest.main()
