#!/usr/bin/env python3
"""./dev fuzz --planted counts what ended the runs of a fuzzer; the page of planted bugs follows their list."""
import contextlib
import ctypes
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/fuzz"))
import planted  # noqa: E402
import planted_page  # noqa: E402

# A fuzzer whose bugs end it as their sentences say, in Python.
FUZZER = """#!{python}
import os, pathlib, sys, time
bug = os.environ.get("WARD_PLANTED_BUG")
bugs = {bugs!r}
if bug == "list":
    print("".join(f"{{name}}\\tdevice\\tleak\\t{{oracle}}\\tA bug.\\n" for name, oracle, _ in bugs), end="")
    sys.exit(0)
corpus = pathlib.Path(sys.argv[-1])
assert [word for word in sys.argv if word.startswith("-dict=") and pathlib.Path(word[6:]).is_file()], sys.argv
if "-runs=0" in sys.argv and bug is None:
    sys.exit({control})
assert [path.name for path in corpus.iterdir()] == ["input"], "the corpus of the tree, as it is"
(corpus / "found").write_text("more")
seed = [word for word in sys.argv if word.startswith("-seed=")][0][6:]
exec([action for name, _, action in bugs if name == bug][0])
"""

SAY = "print({!r}, file=sys.stderr); sys.exit({})"
BY_ORACLE = ("ByOracle", "pixels", SAY.format("==1== \noracle pixels: came out at 0x10\nERROR: libFuzzer: deadly", 77))
BY_SANITIZER = ("BySanitizer", "sanitizer", SAY.format("==1==ERROR: AddressSanitizer: heap-buffer-overflow on x", 1))
BY_BEHAVIOUR = ("ByBehaviour", "sanitizer", SAY.format("a.cc:1:2: runtime error: index 9 out of bounds", 1))
BY_ASSERTION = ("ByAssertion", "fences", SAY.format("a.cc:1: internal error: x == y does not hold", 77))
NOTHING = ("Nothing", "pixels", "sys.exit(0)")
TIMEOUT = ("Timeout", "bounded", SAY.format("==1== ERROR: libFuzzer: timeout after 10 seconds", 70))
NO_MEMORY = ("NoMemory", "bounded", SAY.format("==1== ERROR: libFuzzer: out-of-memory (used: 3Gb)", 71))
NO_START = ("NoStart", "pixels", SAY.format("a.cc:1: internal error: status == 0 does not hold\n"
                                            "unit written to ./crash-da39a3ee5e6b4b0d3255bfef95601890afd80709", 77))
UNKNOWN_END = ("UnknownEnd", "pixels", SAY.format("libFuzzer: no such flag", 3))
HANG = ("Hang", "bounded", "time.sleep(60)")
ONCE = ("Once", "pixels", f"if seed == '2': {SAY.format('oracle pixels: y', 77)}")


def adopt_orphans(whether):
    pr_set_child_subreaper = 36
    assert ctypes.CDLL(None).prctl(pr_set_child_subreaper, int(whether), 0, 0, 0) == 0


class Planted(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "device_corpus").mkdir()
        (self.folder / "device_corpus/input").write_text("bytes")
        (self.folder / "targets.toml").write_text('[device]\nabout = "one"\ndictionary = "words"\n')
        (self.folder / "words").write_text('"word"\n')

    def write_fuzzer(self, bugs, control=0):
        program = self.folder / "tests/fuzz/device_fuzz"
        program.parent.mkdir(parents=True)
        program.write_text(FUZZER.format(python=sys.executable, bugs=list(bugs), control=control))
        program.chmod(0o755)

    def arguments(self, *words):
        return ["--build", str(self.folder), "--corpora", str(self.folder), *words]

    def run_main(self, *words):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = planted.main(self.arguments(*words))
        return code, out.getvalue().splitlines(), err.getvalue()

    def row_of(self, bug, *words):
        self.write_fuzzer([bug])
        code, lines, _ = self.run_main(*words)
        self.assertEqual(len(lines), 3)
        return code, lines[1], lines[2]

    def test_oracles_sanitizers_and_assertions_find(self):
        self.write_fuzzer([BY_ORACLE, BY_SANITIZER, BY_BEHAVIOUR, BY_ASSERTION])
        code, lines, _ = self.run_main()
        self.assertEqual(code, 0)
        self.assertIn("by pixels: came out at 0x10", lines[1])
        self.assertIn("by sanitizer: heap-buffer-overflow on x", lines[2])
        self.assertIn("by sanitizer: index 9 out of bounds", lines[3])
        self.assertIn("by assertion: x == y does not hold", lines[4])
        self.assertRegex(lines[-1], r"^planted: found 4/4, median \d+\.\d s, slowest \w+ \d+\.\d s$")
        self.assertEqual([path.name for path in (self.folder / "device_corpus").iterdir()], ["input"])

    def test_who_finds_nothing_misses(self):
        code, line, last = self.row_of(NOTHING)
        self.assertEqual((code, last), (1, "planted: found 0/1"))
        self.assertIn("MISSED 1 of 1: seed 1: nothing in", line)

    def test_what_the_fuzzer_itself_says_is_no_oracle(self):
        for bug, said in ((TIMEOUT, "timeout"), (NO_MEMORY, "out-of-memory"), (NO_START, "did not start"),
                          (UNKNOWN_END, "no such flag")):
            with self.subTest(bug[0]):
                self.setUp()
                code, line, last = self.row_of(bug)
                self.assertEqual((code, last), (1, "planted: found 0/1"))
                self.assertRegex(line, f"MISSED 1 of 1: seed 1: .*{said}")

    def test_a_hang_is_ended_and_missed(self):
        with mock.patch.object(planted, "GRACE_S", 1):
            code, line, last = self.row_of(HANG, "--seconds", "1")
        self.assertEqual((code, last), (1, "planted: found 0/1"))
        self.assertIn("did not end by itself", line)

    def test_one_that_comes_late_is_missed(self):
        late = ("Late", "pixels", "time.sleep(2.5); " + SAY.format("oracle pixels: z", 77))
        code, line, _ = self.row_of(late, "--seconds", "1")
        self.assertEqual(code, 1)
        self.assertIn("late: z", line)

    def test_every_seed_has_to_find_it(self):
        code, line, last = self.row_of(ONCE, "--seeds", "3")
        self.assertEqual(code, 1)
        self.assertIn("MISSED 2 of 3: seed 1", line)
        self.assertTrue(last.startswith("planted: found 0/1, median"), last)

    def test_figures_are_kept_for_scripts(self):
        self.write_fuzzer([BY_ORACLE, BY_ASSERTION, NOTHING])
        path = self.folder / "planted.json"
        code, _, _ = self.run_main("--json", str(path), "--seeds", "2", "ByOracle", "ByAssertion")
        total = json.loads(path.read_text())
        self.assertEqual((code, total["found"], total["bugs"]), (0, 2, 2))
        self.assertEqual(total["by_another_oracle"], ["ByAssertion"])
        self.assertEqual([run["seed"] for run in total["rows"][0]["runs"]], [1, 2])
        first = total["rows"][0]["runs"][0]
        self.assertEqual(first["by"], "pixels")
        self.assertTrue(0 < first["cpu_s"] and 0 < first["seconds"] < 60, first)

    def test_a_corpus_that_falls_without_a_bug_ends_it(self):
        self.write_fuzzer([BY_ORACLE], control=77)
        code, lines, errors = self.run_main()
        self.assertEqual((code, lines), (1, []))
        self.assertIn("the corpus falls without a bug (exit code 77)", errors)

    def test_an_unknown_bug_is_refused_with_the_list(self):
        self.write_fuzzer([BY_ORACLE, NOTHING])
        code, _, errors = self.run_main("Nobody")
        self.assertEqual(code, 2)
        self.assertIn("there is no bug 'Nobody'; these are: ByOracle Nothing", errors)

    def write_input_player(self, text):
        """A fuzzer that falls, with its bug or without, as its input says."""
        self.write_fuzzer([BY_ORACLE, NOTHING])
        program = self.folder / "tests/fuzz/device_fuzz"
        head = program.read_text().split("corpus = ", 1)[0]
        program.write_text(head + """
path = [word for word in sys.argv[1:] if not word.startswith("-")][-1]
text = pathlib.Path(path).read_text() if pathlib.Path(path).is_file() else ""
prefix = [word for word in sys.argv if word.startswith("-artifact_prefix=")][0][17:]
if bug == "ByOracle" and "-minimize_crash=1" in sys.argv:
    pathlib.Path(prefix + "minimized-from-1").write_text(text[:4])
elif "always" in text or bug == "ByOracle" and ("fall" in text or not text):
    if not text:
        pathlib.Path(prefix + "crash-1").write_text("fall and more")
    sys.exit(f"oracle pixels: {text}")
""")
        (self.folder / "planted").mkdir()
        (self.folder / "planted/ByOracle").write_text(text)

    def test_what_was_kept_falls_with_its_bug_and_passes_without(self):
        self.write_input_player("fall")
        code, lines, errors = self.run_main("--replay")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(lines, ["without an input yet: Nothing", "planted: 1/2 bugs have an input, 0 mistakes"])

    def test_kept_inputs_that_show_nothing_are_mistakes(self):
        for text, said in (("passes", "does not show its bug (it passes)"), ("always", "falls without its bug")):
            with self.subTest(text):
                self.setUp()
                self.write_input_player(text)
                code, _, errors = self.run_main("--replay")
                self.assertEqual(code, 1)
                self.assertIn(f"planted/ByOracle {said}", errors)

    def test_an_input_of_no_bug_is_a_mistake(self):
        self.write_input_player("fall")
        (self.folder / "planted/Nobody").write_text("fall")
        code, _, errors = self.run_main("--replay")
        self.assertEqual(code, 1)
        self.assertIn("planted/Nobody is of no bug", errors)

    def test_nothing_kept_is_no_success(self):
        self.write_input_player("fall")
        (self.folder / "planted/ByOracle").unlink()
        self.assertEqual(self.run_main("--replay")[0], 1)

    def test_an_oracle_that_no_input_shows_is_a_mistake(self):
        self.write_input_player("fall")
        (self.folder / "planted/ByOracle").unlink()
        code, _, errors = self.run_main("--replay")
        self.assertEqual(code, 1)
        self.assertIn("no input shows that the oracle", errors)
        self.assertIn("./dev fuzz --planted --keep ByOracle", errors)

    def test_an_input_shows_no_oracle_but_the_one_that_ends_it(self):
        self.write_input_player("fall")
        program = self.folder / "tests/fuzz/device_fuzz"
        program.write_text(program.read_text().replace('f"oracle pixels: {text}"', 'f"oracle commands: {text}"'))
        code, _, errors = self.run_main("--replay")
        self.assertEqual(code, 1)
        self.assertIn("no input shows that the oracle pixels of device falls", errors)

    def test_the_smallest_input_that_shows_a_bug_is_kept(self):
        self.write_input_player("passes")
        code, lines, errors = self.run_main("--keep", "ByOracle")
        self.assertEqual((code, errors), (0, ""), lines)
        self.assertEqual((self.folder / "planted/ByOracle").read_text(), "fall")

    def test_an_input_that_proves_the_oracle_makes_no_room_for_a_smaller_one_of_another(self):
        self.write_input_player("fall at home")
        program = self.folder / "tests/fuzz/device_fuzz"
        program.write_text(program.read_text().replace(
            'f"oracle pixels: {text}"', '"oracle pixels: x" if "home" in text else "oracle commands: x"'))
        code, lines, errors = self.run_main("--keep", "ByOracle")
        self.assertEqual((code, errors), (0, ""), lines)
        self.assertEqual((self.folder / "planted/ByOracle").read_text(), "fall at home")

    def test_what_can_t_be_written_is_told_behind_the_sum(self):
        self.write_fuzzer([BY_ORACLE])
        code, lines, errors = self.run_main("--json", "/dev/full")
        self.assertEqual((code, errors.count("\n")), (2, 1), errors)
        self.assertIn("error: /dev/full: No space left on device", errors)
        self.assertTrue(lines[-1].startswith("planted: found 1/1"), lines)

    def test_a_file_in_the_way_of_what_is_kept_stays(self):
        self.write_input_player("passes")
        shutil.rmtree(self.folder / "planted")
        (self.folder / "planted").write_text("mine")
        code, _, errors = self.run_main("--keep", "ByOracle")
        self.assertEqual((code, errors.count("\n")), (2, 1), errors)
        self.assertIn("planted is a file, and a folder is wanted", errors)
        self.assertEqual((self.folder / "planted").read_text(), "mine")

    def test_without_a_program_it_says_how_to_build_one(self):
        code, _, errors = self.run_main()
        self.assertEqual(code, 2)
        self.assertIn("build it with: cmake --preset planted", errors)

    def test_a_program_without_bugs_is_told_from_one_with(self):
        self.write_fuzzer([])
        code, _, errors = self.run_main()
        self.assertEqual(code, 2)
        self.assertIn("names no bugs", errors)

    def test_an_empty_corpus_is_refused(self):
        self.write_fuzzer([BY_ORACLE])
        (self.folder / "device_corpus/input").unlink()
        code, _, errors = self.run_main()
        self.assertEqual(code, 2)
        self.assertIn("has no inputs", errors)

    def test_without_the_dictionary_nothing_is_measured(self):
        self.write_fuzzer([BY_ORACLE])
        (self.folder / "words").unlink()
        code, _, errors = self.run_main()
        self.assertEqual(code, 2)
        self.assertIn("words is not there", errors)

    def test_arguments_are_looked_at_before_anything_is_built(self):
        self.assertEqual(self.run_main("--check-arguments", "Name")[0], 0)
        for words in (("--seeds", "0"), ("--seconds", "x"), ("--unknown",)):
            with self.subTest(words), self.assertRaises(SystemExit) as ended, \
                    contextlib.redirect_stderr(io.StringIO()):
                planted.main(["--check-arguments", *words])
            self.assertEqual(ended.exception.code, 2)

    def test_an_interrupt_leaves_no_process_behind(self):
        self.addCleanup(adopt_orphans, False)
        adopt_orphans(True)  # one that was ended and not waited for then stays, as under an init that is slow
        pid_file = self.folder / "pid"
        hang = ("Hang", "bounded", f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)")
        self.write_fuzzer([hang])
        with subprocess.Popen([sys.executable, "-B", str(ROOT / "tools/fuzz/planted.py"), *self.arguments()],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as process:
            end = time.monotonic() + 30
            while not (pid_file.exists() and pid_file.read_text()):
                self.assertLess(time.monotonic(), end, "the fuzzer was not started")
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(30), 130)
            self.assertIn(b"interrupted", process.stderr.read())
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)


class Build(unittest.TestCase):
    """Which builds can have the bugs at all."""

    def compiled(self, *options):
        return subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", f"-I{ROOT}", "-include",
                               "base/planted_bug.h", "-x", "c++", *options, "-"], capture_output=True, text=True,
                              input="constexpr bool has = ward::HasPlantedBug(ward::PlantedBug::kKeyInWork);\n"
                                    "static_assert(!has);\n" if not options else "", check=False)

    def test_without_the_option_the_question_is_the_constant_false(self):
        self.assertEqual(self.compiled().returncode, 0)

    def test_with_the_option_a_build_needs_the_address_sanitizer(self):
        self.assertEqual(self.compiled("-DWARD_PLANTED_BUGS", "-fsanitize=address").returncode, 0)
        refused = self.compiled("-DWARD_PLANTED_BUGS")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("cmake --preset planted", refused.stderr)

    def test_a_program_has_the_bugs_of_the_list_and_takes_one_of_them_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "program"
            subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", f"-I{ROOT}", "-DWARD_PLANTED_BUGS",
                            "-fsanitize=address", str(ROOT / "tests/fuzz/planted_bug_choice.cc"), "-x", "c++", "-",
                            "-o", str(program)], input='#include "base/planted_bug.h"\n'
                           "int main() { return ward::HasPlantedBug(ward::PlantedBug::kKeyInWork) ? 7 : 0; }",
                           text=True, check=True)

            def run(bug):
                return subprocess.run([str(program)], env=planted.environment(bug), capture_output=True, text=True,
                                      check=False)
            self.assertEqual([run(bug).returncode for bug in (None, "KeyInWork", "CopyOutByPart")], [0, 7, 0])
            refused = run("Nobody")
            self.assertEqual(refused.returncode, 2)
            self.assertIn("WARD_PLANTED_BUG=Nobody: there is no such bug; these are:\nC", refused.stderr)
            listed = [tuple(bug) for bug in planted.read_list(program)]
        header = planted_page.HEADER.read_text(encoding="utf-8")
        self.assertEqual(listed, [tuple(bug) for bug in planted_page.read_bugs(header)])


HEADER = """#define WARD_LIST_PLANTED_BUGS(X) \\
  X(OneBug, device, leak, pixels,         \\
    "Is one.")                    \\
  X(OtherBug, device, stale_state, slots, "Is another.")

namespace ward {}
"""


class Page(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.header = pathlib.Path(scratch.name) / "planted_bug.h"
        self.page = pathlib.Path(scratch.name) / "page.md"
        self.header.write_text(HEADER)
        self.page.write_text(f"before\n{planted_page.BEGIN}\nold\n{planted_page.END}\nbehind\n")

    def main(self, *words):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            return planted_page.main(list(words), self.header, self.page), out.getvalue()

    def test_the_table_is_made_from_the_list(self):
        self.assertEqual(self.main(), (0, ""))
        text = self.page.read_text()
        self.assertIn("2 bugs:\n", text)
        self.assertIn("| `OneBug` | `device` | leak | `pixels` | Is one. |\n", text)
        self.assertIn("| `OtherBug` | `device` | stale state | `slots` | Is another. |\n", text)
        self.assertTrue(text.startswith("before\n") and text.endswith("\nbehind\n"))

    def test_a_page_that_differs_is_refused_and_left_alone(self):
        code, said = self.main("--check")
        self.assertEqual(code, 1)
        self.assertIn("mend it with: ./dev check --fix generated", said)
        self.assertIn("\nold\n", self.page.read_text())
        self.main()
        self.assertEqual(self.main("--check"), (0, ""))

    def test_a_row_of_another_form_is_not_passed_over(self):
        self.header.write_text(HEADER.replace("slots, ", ""))
        with self.assertRaises(ValueError):
            self.main()

    def test_the_guide_is_up_to_date(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(planted_page.main(["--check"]), 0, out.getvalue())


if __name__ == "__main__":
    unittest.main()
