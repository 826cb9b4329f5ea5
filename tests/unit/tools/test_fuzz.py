#!/usr/bin/env python3
"""./dev fuzz: figures and crashes of a run, its end by a signal, merged corpora, and branches that were reached."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FUZZ = ROOT / "tools/fuzz"
sys.path.insert(0, str(FUZZ))
import branches  # noqa: E402
import coverage  # noqa: E402
from targets import Target, read_targets  # noqa: E402
from verdict import read_verdict  # noqa: E402

TARGETS = """
[chip]
about = "a chip"
dictionary = "chip.dict"
max_len = 77
libfuzzer = {entropic = 0}
[other]
about = "another"
"""
# Speaks as libFuzzer does: arguments go to `arguments`, what is between the quotes runs at the end.
PROGRAM = """#!{python}
import os, signal, sys, time
folder = {folder!r}
open(folder + "/arguments", "a").write(" ".join(sys.argv[1:]) + "\\n")
open(folder + "/pids", "a").write(str(os.getpid()) + "\\n")
def say(text):
    print(text, file=sys.stderr, flush=True)
def option(name):
    return next(word.split("=", 1)[1] for word in sys.argv if word.startswith("-" + name + "="))
folders = [word for word in sys.argv[1:] if not word.startswith("-")]
say("#10 INITED cov: 5 ft: 6 corp: 2/9b exec/s: 0 rss: 30Mb")
{body}
"""
WELL = """
say("#1000\tNEW    cov: 812 ft: 2210 corp: 97/4Kb lim: 163 exec/s: 2048 rss: 121Mb L: 1/2 MS: 1 Foo-")
say("stat::number_of_executed_units: 1234")
"""
FALLEN = """
if folders and os.path.isfile(folders[0]):
    sys.exit(77)
say("oracle key_canary: 16 bytes of a key in a register")
say("==1== ERROR: libFuzzer: deadly signal")
path = option("artifact_prefix") + "crash-1234"
open(path, "w").write("x")
say("artifact_prefix='x'; Test unit written to " + path)
say("stat::number_of_executed_units: 20")
sys.exit(77)
"""
ENDLESS = "while True: time.sleep(0.05)"
DEAF = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nopen(folder + '/deaf', 'w')\n" + ENDLESS


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


class Checkout(unittest.TestCase):
    """A made-up checkout, with programs that only speak."""

    place = "."

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name) / self.place
        self.tests = self.root / "tests/fuzz"
        self.programs = self.root / "build/fuzz/tests/fuzz"
        self.programs.mkdir(parents=True)
        for name in ("chip", "other"):
            (self.tests / f"{name}_corpus").mkdir(parents=True)
        (self.tests / "targets.toml").write_text(TARGETS)
        (self.tests / "chip.dict").write_text('"x"\n')
        (self.tests / "chip_corpus/first").write_text("first input")
        (self.tests / "not_reachable.toml").write_text("")

    def make_program(self, body, name="chip"):
        path = self.programs / f"{name}_fuzz"
        path.write_text(PROGRAM.format(python=sys.executable, folder=str(self.root), body=body))
        path.chmod(0o755)

    def command(self, *words):
        return [sys.executable, "-B", str(FUZZ / "fuzz.py"), "--root", str(self.root),
                "--caller-dir", str(self.root), *words]

    def run_fuzz(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def read(self, name):
        return (self.root / name).read_text()


class Runs(Checkout):
    def test_the_last_line_has_the_figures(self):
        self.make_program(WELL)
        code, output, errors = self.run_fuzz("chip", "--seconds", "3", "--no-coverage", "--json", "figures")
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(output.splitlines()[-1],
                         r"^fuzz: target=chip runs/s=\d+ runs=1234 corpus=97 crashes=0$")
        figures = json.loads(self.read("figures"))
        self.assertEqual((figures["runs"], figures["edges"], figures["corpus"], figures["crashes"]),
                         (1234, 812, 97, []))
        self.assertIsNone(figures["branches"])
        arguments = self.read("arguments")
        self.assertIn("-max_total_time=3 ", arguments)
        self.assertIn("-max_len=77 -entropic=0 ", arguments)
        self.assertIn(f"-dict={self.tests}/chip.dict ", arguments)

    def test_jobs_share_the_working_corpus_and_their_runs_are_added(self):
        self.make_program(WELL)
        code, output, _ = self.run_fuzz("chip", "--jobs", "3", "--no-coverage")
        self.assertEqual(code, 0)
        self.assertIn(" runs=3702 ", output)
        working = self.root / "build/fuzz/corpus/chip"
        self.assertEqual([line.split()[-1] for line in self.read("arguments").splitlines()],
                         [str(working)] * 3)
        self.assertEqual((working / "first").read_text(), "first input")

    def test_a_crash_says_what_fell_where_it_is_and_how_to_replay_it(self):
        self.make_program(FALLEN)
        code, output, _ = self.run_fuzz("chip", "--json", "figures")
        self.assertEqual(code, 1)
        self.assertIn("FAIL  oracle key_canary: 16 bytes of a key in a register\n", output)
        self.assertIn("its input: out/fuzz/chip/crash-1234\n", output)
        self.assertIn("replay it: build/fuzz/tests/fuzz/chip_fuzz out/fuzz/chip/crash-1234\n", output)
        self.assertNotIn("does not fall alone", output)
        self.assertRegex(output.splitlines()[-1], r"^fuzz: target=chip .* crashes=1$")
        self.assertTrue((self.root / "out/fuzz/chip/crash-1234").exists())
        self.assertIn("oracle key_canary", self.read(re.search(r"whole log: (build/log/fuzz_chip_\d+_0\.log)\n", output)[1]))
        self.assertTrue(json.loads(self.read("figures"))["crashes"][0]["falls_again"])

    def test_an_input_that_does_not_fall_alone_is_told(self):
        self.make_program(FALLEN.replace("sys.exit(77)", "sys.exit(0)", 1))
        code, output, _ = self.run_fuzz("chip")
        self.assertEqual(code, 1)
        self.assertIn("it does not fall alone", output)

    def test_a_crash_of_one_job_ends_the_others(self):
        self.make_program(f"""
first = open(folder + "/pids").read().split()[0] == str(os.getpid())
if not first and not os.path.isfile(folders[0]):
    {ENDLESS}
""" + FALLEN)
        code, output, _ = self.run_fuzz("chip", "--jobs", "2", "--seconds", "0")
        self.assertEqual(code, 1)
        self.assertRegex(output, r"crashes=1\n$")
        self.assertEqual([pid for pid in self.read("pids").split() if is_alive(pid)], [])

    def test_a_program_that_does_not_start_has_not_run_well(self):
        self.make_program("say('cannot find libx.so'); sys.exit(127)")
        code, output, _ = self.run_fuzz("chip", "--no-coverage")
        self.assertEqual(code, 1)
        self.assertIn("FAIL  chip_fuzz ended with exit code 127: cannot find libx.so\n", output)

    def test_progress_is_told(self):
        self.make_program(WELL + "time.sleep(6)")
        _, output, _ = self.run_fuzz("chip", "--no-coverage")
        self.assertRegex(output, r"(?m)^\.\.\. +5 s  1234 runs  \d+ runs/s  812 edges  corpus 97$")

    def test_a_signal_ends_all_and_still_tells_the_figures(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                self.interrupt(ENDLESS, number)

    def test_who_does_not_heed_the_signal_is_ended_too(self):
        self.interrupt(DEAF, signal.SIGINT)

    def interrupt(self, body, number):
        (self.root / "pids").unlink(missing_ok=True)
        self.make_program(body)
        # Ignored at first, as a shell's background job has it.
        with subprocess.Popen(self.command("chip", "--jobs", "2", "--seconds", "0"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as process:
            pids = []
            while len(pids) < 2 or (body == DEAF and not (self.root / "deaf").exists()):
                self.assertIsNone(process.poll())
                pids = self.read("pids").split() if (self.root / "pids").exists() else []
                time.sleep(0.02)
            process.send_signal(number)
            output = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 128 + number, output)
        self.assertRegex(output, r"fuzz: target=chip .* crashes=0\n$")
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])


# As device_reproduce: writes what it is asked for, and falls where it plays the text.
REPRODUCER = """#!{python}
import pathlib, sys
form, source = sys.argv[1:3]
if form == "run":
    sys.exit({code})
if form == {broken!r}:
    sys.exit("chip_reproduce: no " + form + " today")
pathlib.Path(sys.argv[4]).write_text(form + " of " + source)
"""


class Reproducers(Checkout):
    """Of a target whose crashes become a text, a test, a script and a recording."""

    def run_reproduced(self, code=134, broken=""):
        (self.tests / "targets.toml").write_text(
            TARGETS.replace('max_len = 77', 'max_len = 77\nreproducer = "chip_reproduce"'))
        self.make_program(FALLEN)
        path = self.programs / "chip_reproduce"
        path.write_text(REPRODUCER.format(python=sys.executable, code=code, broken=broken))
        path.chmod(0o755)
        return self.run_fuzz("chip", "--json", "figures")

    def test_a_crash_gets_all_forms_beside_it(self):
        code, output, _ = self.run_reproduced()
        self.assertEqual(code, 1)
        for form, suffix in {"text": "txt", "cpp": "cc", "qtest": "qtest", "recording": "rec"}.items():
            name = f"out/fuzz/chip/crash-1234.{suffix}"
            self.assertRegex(output, rf"(?m)^ +{form}: +{name}$")
            self.assertEqual(self.read(name), f"{form} of {self.root}/out/fuzz/chip/crash-1234")
        self.assertNotIn("the text alone does not fall", output)
        made = json.loads(self.read("figures"))["crashes"][0]["reproducers"]
        self.assertEqual((made["recording"], made["text_falls"]), ("out/fuzz/chip/crash-1234.rec", True))

    def test_a_form_that_fails_is_told_and_the_others_are_written(self):
        _, output, _ = self.run_reproduced(broken="qtest")
        self.assertIn("no qtest: chip_reproduce: no qtest today\n", output)
        self.assertFalse((self.root / "out/fuzz/chip/crash-1234.qtest").exists())
        self.assertTrue((self.root / "out/fuzz/chip/crash-1234.rec").exists())

    def test_without_their_program_it_is_told_how_to_build_it(self):
        (self.tests / "targets.toml").write_text(
            TARGETS.replace('max_len = 77', 'max_len = 77\nreproducer = "chip_reproduce"'))
        self.make_program(FALLEN)
        code, output, _ = self.run_fuzz("chip")
        self.assertEqual(code, 1)
        self.assertIn("/chip_reproduce; build it with: ./dev build fuzz\n", output)

    def test_a_text_that_does_not_fall_is_told(self):
        _, output, _ = self.run_reproduced(code=0)
        self.assertIn("the text alone does not fall", output)

    def test_its_program_is_built_too(self):
        self.run_reproduced()
        self.assertEqual(self.run_fuzz("chip", "--no-coverage", "--builds"),
                         (0, "fuzz chip_fuzz chip_reproduce\n", ""))


class OddPlace(Reproducers):
    """A checkout whose own name has what names seldom have."""

    place = "it's an \"odd\" one\\"

    def test_all_of_an_artifact_s_name_is_read(self):
        code, output, _ = self.run_reproduced()
        self.assertEqual(code, 1)
        self.assertIn("its input: out/fuzz/chip/crash-1234\n", output)
        self.assertNotIn("does not fall alone", output)


class Words(Checkout):
    def test_without_a_target_they_are_listed(self):
        code, output, _ = self.run_fuzz()
        self.assertEqual(code, 0)
        self.assertIn("chip   a chip\nother  another\n", output)

    def test_what_makes_no_sense_is_refused(self):
        for text, words in {
                "there is no target 'bogus'; there are: chip, other": ["bogus"],
                "'x' is a word too many": ["chip", "x"],
                "--minimise wants a target": ["--minimise"],
                "there is no folder none": ["chip", "--minimise", "none"],
                "--from-empty goes with --coverage": ["chip", "--from-empty"],
                "--seconds: -1 is no length of time": ["chip", "--seconds", "-1"],
                "--coverage replays what is there": ["chip", "--coverage", "--seconds", "5"],
                "--seconds: 4294967298 is no length of time from 0 to 2147483647": ["chip", "--seconds", "4294967298"],
                "--jobs: 0 is no number from 1 to 1024": ["chip", "--jobs", "0"],
                "--jobs: 1025 is no number from 1 to 1024": ["chip", "--jobs", "1025"],
                "there is no folder no/such": ["chip", "--json", "no/such/file"],
                "which target?": ["--seconds", "5"],
                "--fast goes with neither": ["chip", "--fast", "--coverage"],
                "are two runs": ["chip", "--coverage", "--minimise"]}.items():
            with self.subTest(text):
                code, output, errors = self.run_fuzz(*words)
                self.assertEqual((code, output), (2, ""))
                self.assertIn(text, errors)

    def test_builds_are_those_that_the_words_need(self):
        for words, builds in {
                ("chip",): "fuzz chip_fuzz\ncoverage chip_replay",
                ("chip", "--no-coverage"): "fuzz chip_fuzz",
                ("chip", "--fast", "--no-coverage"): "fuzz-fast chip_fuzz",
                ("chip", "--minimise"): "fuzz chip_fuzz",
                ("--coverage",): "coverage chip_replay other_replay",
                ("chip", "--coverage", "--from-empty"): "fuzz chip_fuzz\ncoverage chip_replay"}.items():
            with self.subTest(words):
                self.assertEqual(self.run_fuzz(*words, "--builds"), (0, builds + "\n", ""))


class Verdicts(unittest.TestCase):
    def test_an_oracle_tells_more_than_the_abort_that_it_makes(self):
        self.assertEqual(read_verdict(["==7== ERROR: libFuzzer: deadly signal\n", "oracle pixels: seen\n"]),
                         "oracle pixels: seen")
        self.assertEqual(read_verdict(["==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n"]),
                         "ERROR: AddressSanitizer: heap-use-after-free on address 0x1")
        self.assertEqual(read_verdict(["a.cc:4:2: runtime error: shift exponent 64\n", "SUMMARY: x\n"]),
                         "a.cc:4:2: runtime error: shift exponent 64")
        self.assertEqual(read_verdict(["a.cc:9: internal error: x == 1 does not hold\n"]),
                         "a.cc:9: internal error: x == 1 does not hold")
        self.assertIsNone(read_verdict(["#1 NEW\n"]))


class RealEngine(Checkout):
    """What the fakes say is what libFuzzer says."""

    SOURCE = r"""
#include <cstdint>
#include <cstdio>
#include <cstdlib>
static volatile int seen;
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == 'a') seen = 1;
  if (size > 1 && data[0] == 'a' && data[1] == 'b') seen = 2;
  if (size > 1 && data[0] == 'X') { fprintf(stderr, "oracle letters: an X\n"); abort(); }
  return 0;
}
"""

    def setUp(self):
        super().setUp()
        (self.root / "target.cc").write_text(self.SOURCE)
        subprocess.run(["clang++-19", "-O1", "-fsanitize=fuzzer", "-o", str(self.programs / "chip_fuzz"),
                        str(self.root / "target.cc")], check=True)
        (self.tests / "chip.dict").write_text('"ab"\n')

    def test_a_crash_is_found_and_read(self):
        code, output, _ = self.run_fuzz("chip", "--seconds", "30")
        self.assertEqual(code, 1, output)
        self.assertIn("FAIL  oracle letters: an X\n", output)
        self.assertRegex(output, r"replay it: \S+ out/fuzz/chip/crash-[0-9a-f]{40}\n")
        self.assertRegex(output.splitlines()[-1], r"runs=[1-9]\d* corpus=[1-9]\d* crashes=1$")

    def test_a_merge_adds_only_what_reaches_more(self):
        corpus, found = self.tests / "chip_corpus", self.root / "found"
        found.mkdir()
        for number, text in enumerate(["a1", "a2", "ab", "ab4", "zz"]):
            (found / str(number)).write_text(text)
        code, output, errors = self.run_fuzz("chip", "--minimise", "found")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn(" before=1 (11 bytes) offered=5 added=2 dropped=0 after=3 (15 bytes)", output)
        self.assertTrue((corpus / "first").exists())  # what was there stays
        names = sorted(path.name for path in corpus.iterdir() if path.name != "first")
        self.assertTrue(all(re.fullmatch("[0-9a-f]{40}", name) for name in names), names)
        again = self.run_fuzz("chip", "--minimise", "found")[1]
        self.assertIn(" added=0 dropped=0 after=3 ", again)
        self.assertEqual(sorted(path.name for path in corpus.iterdir() if path.name != "first"), names)

    def test_afresh_drops_what_others_make_superfluous(self):
        corpus = self.tests / "chip_corpus"
        (corpus / "second").write_text("this reaches no more than the first")
        code, output, errors = self.run_fuzz("chip", "--minimise", "--afresh")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn(" dropped=1 after=1 (11 bytes)", output)
        self.assertEqual([path.name for path in corpus.iterdir()], ["first"])


class Branches(Checkout):
    """With the real llvm-cov, over a program of three folders."""

    ASSERT = "#define WARD_ASSERT(e) ((e) ? (void)0 : __builtin_trap())\nconstexpr bool kNever = false;\n"
    OWN = 'why = "our own bug"\nplaces = [{macro = "base/assert.h", side = "false"}]'
    NEVER = 'why = "not in this build"\nplaces = [{behind = "kNever"}]'
    NO_B = 'why = "no b here"\nplaces = [{file = "device/chip.cc", text = "letter == \'b\'", side = "true"}]'
    CHIP = """#include "base/assert.h"
template <typename T> int Larger(T a, T b) { return a > b ? 1 : 2; }
int Chip(int size, char letter) {
  WARD_ASSERT(size >= 0);
  if (kNever && size == 7) return 9;
  if (size == 0) return Larger(1, 2) + Larger(2.0, 1.0);
  if (letter == 'a' || letter == 'b') return 3;
  return 4;
}
"""
    MAIN = """#include <cstdio>
int Chip(int size, char letter);
#include <filesystem>
#include <fstream>
int main(int count, char** names) {
  for (const auto& entry : std::filesystem::directory_iterator(names[count - 1])) {
    std::ifstream file(entry.path());
    const int letter = file.get();
    Chip(letter == EOF ? 0 : 1, static_cast<char>(letter));
  }
}
"""

    def setUp(self):
        super().setUp()
        for name, text in {"base/assert.h": self.ASSERT, "device/chip.cc": self.CHIP,
                           "tests/main.cc": self.MAIN}.items():
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_text(text)
        folder = self.root / "build/coverage/tests/fuzz"
        folder.mkdir(parents=True)
        (self.root / "firmware").mkdir()
        subprocess.run(["clang++-19", "-std=c++20", "-fprofile-instr-generate", "-fcoverage-mapping",
                        f"-I{self.root}", "-o", str(folder / "chip_replay"), str(self.root / "device/chip.cc"),
                        str(self.root / "tests/main.cc")], check=True)
        self.exclude(self.OWN, self.NEVER)

    def exclude(self, *entries):
        (self.tests / "not_reachable.toml").write_text(
            "\n".join(f"[[exclusion]]\n{entry}\n" for entry in entries))

    def measured(self):
        return coverage.measure(self.root, [(Target("chip", ""), self.tests / "chip_corpus")])

    def missed(self):
        return [(outcome.text, outcome.side) for file in self.measured().files.values()
                for outcome in file.missed]

    def test_both_ways_of_each_condition_are_counted_once(self):
        reached = self.measured()  # of "first input" alone
        self.assertEqual(list(reached.files), ["device/chip.cc"])  # not tests/
        self.assertEqual(self.missed(), [("a > b", "true"), ("a > b", "false"), ("size == 0", "true"),
                                         ("letter == 'a'", "true"), ("letter == 'b'", "true")])
        # The assertion's one way, two behind kNever; those of kNever itself the compiler knew.
        self.assertEqual((reached.total.outcomes, reached.total.excluded), (9, 3))

    def test_instantiations_of_a_template_are_one(self):
        (self.tests / "chip_corpus/empty").write_text("")
        self.assertEqual(self.missed(), [("letter == 'a'", "true"), ("letter == 'b'", "true")])
        (self.tests / "chip_corpus/a").write_text("a")
        (self.tests / "chip_corpus/b").write_text("b")
        self.assertEqual(self.measured().total.percent, 100.0)

    def test_what_is_not_counted_is_listed_with_its_reason(self):
        self.exclude(self.NEVER, self.NO_B,
                     'why = "not called"\nplaces = [{file = "device/chip.cc", function = "int Larger("}]')
        code, output, errors = self.run_fuzz("chip", "--coverage")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("     1  no b here\n", output)
        self.assertIn("     2  not called\n", output)
        self.assertRegex(output, r"coverage: target=chip branches=57.1% \(4/7\) exempt=5 files=1 ")
        self.assertTrue((self.root / "out/fuzz/coverage/index.html").exists())

    def test_what_was_reached_is_counted_whatever_the_list_says(self):
        (self.tests / "chip_corpus/b").write_text("b")
        self.exclude(self.NEVER, self.NO_B)
        self.assertEqual(self.measured().total.excluded, 2)
        self.assertIn("warning: 1 of 'device/chip.cc: letter == 'b': true' were reached after all", self.run_fuzz("chip", "--coverage")[1])

    def test_an_exclusion_without_a_reason_or_too_wide_is_refused(self):
        for entry in ('why = ""\nplaces = [{behind = "kNever"}]', 'why = "because"\nplaces = []',
                      'why = "all of it"\nplaces = [{file = "device/chip.cc"}]'):
            self.exclude(entry)
            with self.assertRaisesRegex(ValueError, "wants `why`"):
                self.measured()

    def test_a_run_tells_the_branches_that_its_corpus_reaches(self):
        self.make_program(WELL)
        code, output, _ = self.run_fuzz("chip", "--json", "figures")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"runs=1234 branches=44.4% exempt=3 corpus=97 crashes=0\n$")
        told = json.loads(self.read("figures"))["branches"]
        self.assertEqual((told["missed"], told["exempt"]), (5, 3))

    def test_from_empty_counts_only_what_was_found(self):
        self.make_program("open(folders[-1] + '/found', 'w').write('b')\n" + WELL)
        code, output, _ = self.run_fuzz("chip", "--coverage", "--from-empty", "--seconds", "1")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"\ncoverage: target=chip branches=44.4% \(4/9\)")

    def test_a_replay_that_falls_is_an_error(self):
        (self.tests / "chip_corpus").joinpath("folder").mkdir()
        path = self.root / "build/coverage/tests/fuzz/chip_replay"
        path.write_text("#!/bin/sh\nexit 3\n")
        code, _, errors = self.run_fuzz("chip", "--coverage")
        self.assertEqual(code, 1)
        self.assertIn("chip_replay ended with exit code 3; look at", errors)


class Tree(unittest.TestCase):
    """The lists of this checkout fit it."""

    def test_every_target_has_a_program_a_corpus_and_its_dictionary(self):
        lists = "".join(path.read_text() for path in sorted((ROOT / "tests/fuzz").rglob("CMakeLists.txt")))
        built = set(re.findall(r"(?m)^ *add_target\((\w+)", lists))
        built |= {name for name in re.findall(r"add_vfio_user_target\((\w+)_fuzz", lists)}
        targets = read_targets()
        self.assertEqual(built, set(targets))
        for target in targets.values():
            self.assertTrue(any(target.corpus().iterdir()), target.name)
            for option in target.engine_options():
                if option.startswith("-dict="):
                    self.assertTrue(os.path.exists(option.removeprefix("-dict=")), option)

    def test_exclusions_name_what_is_there(self):
        for exclusion in branches.read_exclusions(ROOT / coverage.EXCLUSIONS):
            for place in filter(lambda place: place.file or place.macro, exclusion.places):
                with self.subTest(place.name()):
                    text = (ROOT / (place.file or place.macro)).read_text()
                    words = " ".join(line.strip() for line in text.splitlines())
                    # Of the whole file a failure would say more than anybody reads.
                    self.assertTrue(place.text in words, place.text)
                    self.assertTrue(place.function in text, place.function)
                    self.assertTrue(place.behind in text, place.behind)


if __name__ == "__main__":
    unittest.main()
