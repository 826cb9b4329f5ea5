#!/usr/bin/env python3
"""./dev fuzz where the disk is full, or what it would write to is in the way: one line, exit code 2, and no half of a file;
and two runs at a time."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/fuzz"))
import files  # noqa: E402
from test_fuzz import ENDLESS, FALLEN, WELL, Checkout, is_alive  # noqa: E402

# A filled disk of 64 KiB at $1; then the words behind it; then what is left there.
ON_FULL_DISK = """set -e
mount -t tmpfs -o size=64k none "$1"
cp -a "$2/." "$1"
head -c 64k /dev/zero >"$1/filled" 2>/dev/null || true
disk=$1 left=$3
shift 3
code=0
"$@" || code=$?
find "$disk" -type f ! -name filled -printf '%P %s\\n' | sort >"$left"
exit "$code"
"""
NEW = hashlib.sha1(b"new").hexdigest()
MERGE = f"open(folders[0] + '/{NEW}', 'w').write('new')\n"


def can_mount():
    done = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True, check=False)
    return done.returncode == 0


class Disk(Checkout):
    def assert_refused(self, done, *said):
        code, output, errors = done
        self.assertEqual(code, 2, output + errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertTrue(errors.startswith("error: "), errors)
        for text in said:
            self.assertIn(text, errors)

    def run_on_full(self, folder, *words):
        """What is there is on the full disk, too."""
        disk, left = self.root / folder, self.root / "left"
        disk.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as copy:
            subprocess.run(["cp", "-a", f"{disk}/.", copy], check=True)
            done = subprocess.run(["unshare", "-rm", "bash", "-c", ON_FULL_DISK, "-", str(disk), copy, str(left),
                                   *self.command(*words)], capture_output=True, text=True, timeout=120, check=False)
        return (done.returncode, done.stdout, done.stderr), left.read_text().splitlines()


@unittest.skipUnless(can_mount(), "no file system can be mounted here")
class Full(Disk):
    def test_of_the_logs(self):
        self.make_program(WELL + "say('x' * 100000)\n" + ENDLESS)
        done, _ = self.run_on_full("build/log", "chip", "--seconds", "0")
        self.assert_refused(done, "/build/log/fuzz_chip_", "No space left on device", f"make room (df -h {self.root}/build/log)")
        self.assertEqual([pid for pid in self.read("pids").split() if is_alive(pid)], [])

    def test_of_the_working_corpus(self):
        self.make_program(WELL)
        done, left = self.run_on_full("build/fuzz/corpus", "chip", "--no-coverage")
        self.assert_refused(done, "/build/fuzz/corpus/chip/first: No space left on device")
        self.assertEqual(left, [])
        self.assertFalse((self.root / "arguments").exists())  # nothing was fuzzed

    def test_of_the_checked_in_corpus(self):
        self.make_program(MERGE)
        (self.root / "found").mkdir()
        (self.root / "found/1").write_text("new")
        for words in (), ("--afresh",):
            done, left = self.run_on_full("tests/fuzz/chip_corpus", "chip", "--minimise", "found", *words)
            self.assert_refused(done, f"chip_corpus/{NEW}: No space left on device", "the corpus is as it was")
            self.assertEqual(left, ["first 11"])

    def test_of_the_merge(self):
        self.make_program(MERGE)
        (self.root / "found").mkdir()
        done, _ = self.run_on_full("build/log", "chip", "--minimise", "found")
        self.assert_refused(done, "No space left on device")
        self.assertEqual([path.name for path in (self.tests / "chip_corpus").iterdir()], ["first"])

    def test_of_crashes(self):
        self.make_program(FALLEN.replace("crash-1234", "crash-" + NEW).replace(
            'open(path, "w").write("x")', 'open(path, "w")'))
        (code, output, _), _ = self.run_on_full("out/fuzz/chip", "chip")
        self.assertEqual(code, 1)  # something fell after all
        self.assertIn("FAIL  oracle key_canary", output)
        self.assertRegex(output, r"it is not whole; there is no space left: make room \(df -h .*\), then run it again")


class InTheWay(Disk):
    def test_a_file_where_a_folder_has_to_be(self):
        self.make_program(WELL)
        for folder in ("build/fuzz/corpus", "build/fuzz/corpus/chip", "out", "out/fuzz/chip", "build/log"):
            with self.subTest(folder):
                path = self.root / folder
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("mine")
                self.assert_refused(self.run_fuzz("chip", "--no-coverage"), f"{path} is a file, and a folder is wanted",
                                    f"mv {path} {path}.old")
                self.assertEqual(path.read_text(), "mine")
                path.unlink()
                shutil.rmtree(self.root / "build/fuzz/corpus", ignore_errors=True)

    def test_a_folder_where_the_figures_have_to_be(self):
        code, _, errors = self.run_fuzz("chip", "--json", "tests")
        self.assertEqual(code, 2)
        self.assertIn("--json: tests is a folder", errors)

    def test_a_run_of_which_the_figures_can_t_be_written_has_its_line(self):
        self.make_program(WELL)
        done = self.run_fuzz("chip", "--no-coverage", "--json", "/dev/full")
        self.assert_refused(done, "/dev/full: No space left on device")
        self.assertRegex(done[1], r"fuzz: target=chip .* runs=1234 ")

    def test_figures_go_to_what_is_no_file_and_a_link_stays_one(self):
        self.make_program(WELL)
        (self.root / "link").symlink_to("figures")
        self.assertEqual(self.run_fuzz("chip", "--no-coverage", "--json", "link")[0], 0)
        self.assertTrue((self.root / "link").is_symlink())
        self.assertIn('"runs": 1234', self.read("figures"))
        self.assertIn('"runs": 1234', self.run_fuzz("chip", "--no-coverage", "--json", "/dev/stdout")[1])
        self.assertTrue(os.path.islink("/dev/stdout"))

    def test_standard_output_that_takes_nothing(self):
        self.make_program(WELL)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(self.command("chip", "--no-coverage"), stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False)
        self.assert_refused((done.returncode, "", done.stderr), "standard output", "No space left on device")

    def test_a_program_that_is_not_built_is_told_with_what_builds_it(self):
        for words, said in {(): r"fuzz/tests/fuzz/chip_fuzz; build it with: \./dev build fuzz",
                            ("--fast",): r"chip_fuzz; build it with: cmake --preset fuzz-fast && cmake",
                            ("--minimise",): r"chip_fuzz; build it with: \./dev build fuzz",
                            ("--coverage",): r"chip_replay; build it with: \./dev build coverage"}.items():
            done = self.run_fuzz("chip", *words)
            self.assert_refused(done, "there is no ")
            self.assertRegex(done[2], said)


class CutShort(Disk):
    """libFuzzer does not look whether an input was written."""

    def test_inputs_that_are_not_whole_do_not_stay(self):
        self.make_program(WELL + f"open(folders[-1] + '/{NEW}', 'w').write('ne')\n"
                                 f"open(folders[-1] + '/{hashlib.sha1(b'well').hexdigest()}', 'w').write('well')\n")
        done = self.run_fuzz("chip", "--no-coverage")
        self.assertEqual(done[0], 1)
        self.assertIn("error: 1 inputs could not be written into build/fuzz/corpus/chip", done[2])
        self.assertEqual({path.name for path in (self.root / "build/fuzz/corpus/chip").iterdir()},
                         {"first", hashlib.sha1(b"well").hexdigest()})

    def test_a_merge_s_inputs_that_are_not_whole_are_not_taken(self):
        self.make_program(MERGE.replace("'new'", "''"))
        (self.root / "found").mkdir()
        code, _, errors = self.run_fuzz("chip", "--minimise", "found")
        self.assertEqual(code, 1)
        self.assertIn("the merge could not write all of its inputs", errors)
        self.assertEqual([path.name for path in (self.tests / "chip_corpus").iterdir()], ["first"])

    def test_a_run_that_made_none_is_no_success(self):
        self.make_program("")
        (self.programs / "chip_fuzz").write_text("#!/bin/sh\nexit 0\n")
        code, _, errors = self.run_fuzz("chip", "--no-coverage")
        self.assertEqual(code, 1)
        self.assertIn("error: chip_fuzz made no run; look at build/log/fuzz_chip_", errors)


class AtATime(Disk):
    def test_two_runs_of_a_target_have_logs_of_their_own(self):
        self.make_program(WELL + "say('I am ' + str(os.getpid())); time.sleep(1)")
        runs = [subprocess.Popen(self.command("chip", "--jobs", "2", "--no-coverage"), stdout=subprocess.PIPE, text=True)
                for _ in range(2)]
        for run in runs:
            self.assertIn(" crashes=0\n", run.communicate(timeout=60)[0])
        logs = sorted((self.root / "build/log").glob("fuzz_chip_*.log"))
        self.assertEqual(sorted(path.name for path in logs),
                         sorted(f"fuzz_chip_{run.pid}_{job}.log" for run in runs for job in range(2)))
        self.assertEqual(sorted(re.findall(r"I am (\d+)", "".join(path.read_text() for path in logs))),
                         sorted(self.read("pids").split()))

    def test_of_earlier_logs_the_last_five_runs_stay_and_those_that_are_on(self):
        folder = self.root / "build/log"
        folder.mkdir(parents=True)
        gone = [4194304 + number for number in range(1, 9)]  # beyond the kernel's largest
        for age, pid in enumerate([os.getpid(), *gone]):
            for job in range(2):
                path = folder / f"fuzz_chip_{pid}_{job}.log"
                path.write_text("x")
                os.utime(path, (1000 + age, 1000 + age))
        (folder / "fuzz_other_4194305_0.log").write_text("x")
        self.make_program(WELL)
        self.assertEqual(self.run_fuzz("chip", "--no-coverage")[0], 0)
        left = {int(path.name.split("_")[2]) for path in folder.glob("fuzz_chip_*")}
        self.assertEqual(left & {os.getpid(), *gone}, {os.getpid(), *gone[-5:]})
        self.assertTrue((folder / "fuzz_other_4194305_0.log").exists())

    def test_a_name_that_a_process_had_before_is_free_again(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / f"chip_{os.getpid()}").mkdir()
            (folder / f"chip_{os.getpid()}/old").write_text("x")
            self.assertFalse(files.own_name(folder, "chip").exists())


if __name__ == "__main__":
    unittest.main()
