#!/usr/bin/env python3
"""./dev fuzz --planted: how soon the fuzzers find each of the bugs that are planted for them.

The list is the programs' own (base/planted_bug.h). First the corpora are replayed without a bug. Then each bug gets one
fuzzer of its target at a time, hence one core, that starts from a copy of the corpus. A bug is found when an oracle, a
sanitizer or an assertion ends every run with it within the time; one that breaks the start, hangs or runs out of memory
is not. `--keep` puts the input that showed a bug, made small, into planted/NAME of the corpora's folder, and `--replay`
shows in seconds that these inputs fall with their bugs and pass without, and that each oracle of the sources has a bug.
The last line is the sum. Exit code 1: a bug was missed, or an input falls without one; 2: wrong usage, or no program.
"""

import argparse
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import oracle_names
from files import copy_whole, end_with, failed, is_full, write_whole
from targets import FOLDER, Target, read_targets

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "WARD_PLANTED_BUG"
BUILD_COMMAND = "cmake --preset planted && cmake --build --preset planted"
# Beyond its time a run gets this to end by itself; the replay without a bug gets all of it.
GRACE_S = 30
REPLAY_S = 600
# What is kept of a bug is made smaller for so long.
MINIMISE_S = 5
# libFuzzer names what it keeps by its SHA-1. It begins with the input of no bytes, in which nothing happens but the
# machine's own start.
EMPTY_INPUT = "-da39a3ee5e6b4b0d3255bfef95601890afd80709"

ENDINGS = (
    (re.compile(r"\boracle (\w+): (.*)"), None),
    (re.compile(r"ERROR: AddressSanitizer: (.*)"), "sanitizer"),
    (re.compile(r"runtime error: (.*)"), "sanitizer"),
    (re.compile(r"internal error: (.*)"), "assertion"),
)


class Bug(NamedTuple):
    name: str
    target: str  # whose fuzzer is meant to find it
    kind: str
    oracle: str  # of that target
    sentence: str


class Run(NamedTuple):
    """One fuzzer with one bug. `by` is what ended it; nothing when it missed, and `said` tells why then."""

    seed: int
    seconds: float  # from its start to its end, by the clock
    cpu_s: float  # what it had of a core: less on a machine that is busy
    by: Optional[str]
    said: str


class Ended(NamedTuple):
    """A process that is over. Exit code None: it had to be killed."""

    code: Optional[int]
    errors: str  # what it wrote on standard error
    seconds: float
    cpu_s: float


class Failure(Exception):
    """Nothing can be measured; the text says what mends it."""

    exit_code = 2


class InputFalls(Failure):
    exit_code = 1


def read_ending(text: str) -> Tuple[Optional[str], str]:
    """The oracle of the first line that is a bug's end, and what it said."""
    for line in text.splitlines():
        for pattern, by in ENDINGS:
            found = pattern.search(line)
            if not found:
                continue
            if by == "assertion" and EMPTY_INPUT in text:
                return None, f"the machine did not start: {found[1]}"
            return by or found[1], found[found.lastindex or 0].strip()
    for mark in ("libFuzzer: timeout", "libFuzzer: out-of-memory"):
        if mark in text:
            return None, mark
    return None, ""


def environment(bug: Optional[str]) -> Dict[str, str]:
    """Of a fuzzer. Names of functions take seconds, and nobody reads them here."""
    names = dict(os.environ, ASAN_OPTIONS="symbolize=0", UBSAN_OPTIONS="symbolize=0:print_stacktrace=0")
    names.pop(VARIABLE, None)
    if bug:
        names[VARIABLE] = bug
    return names


def cpu_seconds() -> float:
    """Of all children that are over."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_program(command: Sequence[str], bug: Optional[str], limit_s: float) -> Ended:
    """Leaves no process behind, however it ends."""
    with tempfile.TemporaryFile() as errors:
        begin, cpu_begin = time.monotonic(), cpu_seconds()
        with subprocess.Popen(command, env=environment(bug), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=errors) as process:
            code: Optional[int] = None
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                pass
            finally:
                process.kill()
                process.wait()  # an interrupt makes the end of the block not wait
        seconds, cpu_s = time.monotonic() - begin, cpu_seconds() - cpu_begin
        errors.seek(0)
        return Ended(code, errors.read().decode(errors="replace"), round(seconds, 3), round(cpu_s, 3))


def read_list(program: Path) -> List[Bug]:
    if not program.is_file():
        raise Failure(f"{program} is not there; build it with: {BUILD_COMMAND}")
    # A program without bugs takes no notice of the variable, and ends by -runs=0.
    done = subprocess.run([str(program), "-runs=0"], env=environment("list"), capture_output=True, text=True,
                          timeout=GRACE_S, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    bugs = [Bug(*row) for row in rows if len(row) == len(Bug._fields)]
    if done.returncode != 0 or not bugs:
        raise Failure(f"{program} names no bugs; build it with: {BUILD_COMMAND}")
    return bugs


def choose(bugs: List[Bug], names: List[str]) -> List[Bug]:
    known = {bug.name for bug in bugs}
    for name in names:
        if name not in known:
            raise Failure(f"there is no bug '{name}'; these are: {' '.join(sorted(known))}")
    return [bug for bug in bugs if not names or bug.name in names]


class Fuzzer:
    """A target's program with its options, and the corpus that each run starts from a copy of."""

    def __init__(self, target: Target, options: argparse.Namespace) -> None:
        self._program = options.build / "tests/fuzz" / target.program
        self._corpus = target.corpus(options.corpora)
        self._engine = target.engine_options(options.corpora)
        self._seconds = options.seconds
        self._kept = options.corpora / "planted"
        if not self._program.is_file():
            raise Failure(f"{self._program} is not there; build it with: {BUILD_COMMAND}")
        dictionary = options.corpora / target.dictionary if target.dictionary else None
        if dictionary and not dictionary.is_file():
            raise Failure(f"{dictionary} is not there; mend it with: git restore {dictionary}")

    def _command(self, scratch: Path, options: Sequence[str]) -> List[str]:
        return [str(self._program), f"-artifact_prefix={scratch}/", "-detect_leaks=0", *self._engine, *options]

    def _copy_corpus(self, scratch: Path) -> str:
        if not self._corpus.is_dir() or not any(self._corpus.iterdir()):
            raise Failure(f"{self._corpus} has no inputs; mend it with: git restore {self._corpus}")
        copy = scratch / "corpus"
        copy.mkdir()
        for path in self._corpus.iterdir():
            copy_whole(path, copy / path.name)
        return str(copy)

    def replay(self) -> None:
        """The control: without a bug nothing ends the corpus."""
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            ended = run_program(self._command(scratch, ["-runs=0", self._copy_corpus(scratch)]), None, REPLAY_S)
        if ended.code != 0:
            said = read_ending(ended.errors)[1] or last_line(ended.errors)
            raise InputFalls(f"the corpus falls without a bug (exit code {ended.code}): {said}; find out with: "
                             f"{self._program} -runs=0 {self._corpus}")

    def hunt(self, bug: Bug, seed: int, keep: bool) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            command = self._command(scratch, [f"-seed={seed}", f"-max_total_time={self._seconds}",
                                              self._copy_corpus(scratch)])
            ended = run_program(command, bug.name, self._seconds + GRACE_S)
            by, said = self._judge(ended)
            if not by and is_full(scratch):  # what it had to say is lost, or part of it
                raise Failure(str(failed(f"nothing can be said of {bug.name}", scratch)))
            if by and keep:
                self._keep(bug, scratch)
        return Run(seed, ended.seconds, ended.cpu_s, by, said)

    def _keep(self, bug: Bug, scratch: Path) -> None:
        """Of the inputs that ended the run, and what libFuzzer makes of them, the smallest that shows the bug; of those
        that the oracle meant for it ends, if there are some. An input that it ends does not make room for one that another
        oracle ends."""
        crashes = list(scratch.glob("crash-*"))
        for crash in crashes:
            command = self._command(scratch, ["-minimize_crash=1", f"-max_total_time={MINIMISE_S}", str(crash)])
            run_program(command, bug.name, MINIMISE_S + GRACE_S)
        inputs = {*crashes, *scratch.glob("crash-*"), *scratch.glob("minimized-from-*")}
        shown = {path: by for path in inputs if (by := self.shows(bug, path).by)}
        before = self._kept / bug.name
        if before.is_file() and self.shows(bug, before).by == bug.oracle:
            shown = {path: by for path, by in shown.items() if by == bug.oracle}
        for path in sorted(shown, key=lambda path: (shown[path] != bug.oracle, path.stat().st_size)):
            if self.passes([path]):
                self._kept.mkdir(exist_ok=True)
                copy_whole(path, self._kept / bug.name)
                return

    def shows(self, bug: Bug, path: Path) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            ended = run_program(self._command(Path(folder), [str(path)]), bug.name, GRACE_S)
        by, said = read_ending(ended.errors) if ended.code else (None, "it passes")
        return Run(0, ended.seconds, ended.cpu_s, by, said)

    def passes(self, paths: Sequence[Path]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            return run_program(self._command(Path(folder), [str(path) for path in paths]), None, REPLAY_S).code == 0

    def _judge(self, ended: Ended) -> Tuple[Optional[str], str]:
        if ended.code is None:
            return None, "it did not end by itself"
        if ended.code == 0:
            return None, f"nothing in {ended.seconds:.0f} s"
        by, said = read_ending(ended.errors)
        said = said or last_line(ended.errors)
        if ended.seconds > self._seconds + 1:  # an input that was begun within the time may end later
            return None, f"late: {said}"
        return by, said


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def row(bug: Bug, runs: List[Run], widths: Tuple[int, int]) -> str:
    head = f"{bug.name:<{widths[0]}}  {bug.oracle:<{widths[1]}}"
    missed = [run for run in runs if not run.by]
    if missed:
        return f"{head}  MISSED {len(missed)} of {len(runs)}: seed {missed[0].seed}: {missed[0].said}"
    times = [run.seconds for run in runs]
    by = ", ".join(sorted({str(run.by) for run in runs}))
    slowest = f", slowest {max(times):.1f} s" if len(times) > 1 else ""
    return f"{head}  {statistics.median(times):5.1f} s{slowest}, by {by}: {runs[0].said}"


def summary(found: Dict[Bug, List[Run]]) -> Dict[str, object]:
    """Times are those of the runs that found their bug."""
    times = [(run.seconds, bug.name) for bug, runs in found.items() for run in runs if run.by]
    slowest = max(times, default=(0.0, ""))
    return {
        "found": sum(all(run.by for run in runs) for runs in found.values()),
        "bugs": len(found),
        "median_s": round(statistics.median(time for time, _ in times), 3) if times else None,
        "slowest": slowest[1],
        "slowest_s": round(slowest[0], 3),
        "by_another_oracle": sorted({bug.name for bug, runs in found.items() for run in runs
                                     if run.by not in (None, bug.oracle)}),
        "rows": [{**bug._asdict(), "runs": [run._asdict() for run in runs]} for bug, runs in found.items()],
    }


def last_words(total: Dict[str, object]) -> str:
    text = f"planted: found {total['found']}/{total['bugs']}"
    if total["median_s"] is not None:
        text += f", median {total['median_s']:.1f} s, slowest {total['slowest']} {total['slowest_s']:.1f} s"
    return text


def make_fuzzers(bugs: List[Bug], options: argparse.Namespace) -> Dict[str, Fuzzer]:
    targets = read_targets(options.corpora)
    return {name: Fuzzer(targets[name], options) for name in dict.fromkeys(bug.target for bug in bugs)}


def measure(bugs: List[Bug], options: argparse.Namespace) -> Dict[str, object]:
    fuzzers = make_fuzzers(bugs, options)
    for fuzzer in fuzzers.values():
        fuzzer.replay()
    print(f"without a bug: the corpus passes; {len(bugs)} bugs, {options.seeds} seeds each", flush=True)
    widths = (max(len(bug.name) for bug in bugs), max(len(bug.oracle) for bug in bugs))
    found = {}
    for bug in bugs:
        found[bug] = [fuzzers[bug.target].hunt(bug, seed, options.keep) for seed in range(1, options.seeds + 1)]
        print(row(bug, found[bug], widths), flush=True)
    return summary(found)


def show_kept(bugs: List[Bug], options: argparse.Namespace) -> int:
    """Exit code: whether each input that is kept falls with its bug and passes without."""
    kept = options.corpora / "planted"
    without = [bug.name for bug in bugs if not (kept / bug.name).is_file()]
    shown = [bug for bug in bugs if bug.name not in without]
    mistakes = [f"{path} is of no bug; mend it with: git rm {path}" for path in sorted(kept.glob("*"))
                if not options.names and path.name not in {bug.name for bug in bugs}]
    proven: Set[Tuple[str, str]] = set()  # oracles, behind their targets
    for target, fuzzer in make_fuzzers(shown, options).items():
        own = [bug for bug in shown if bug.target == target]
        if not fuzzer.passes([kept / bug.name for bug in own]):
            mistakes += [f"{kept / bug.name} falls without its bug" for bug in own
                         if not fuzzer.passes([kept / bug.name])]
        for bug in own:
            run = fuzzer.shows(bug, kept / bug.name)
            if run.by:
                proven.add((target, run.by))  # the one meant for it is not shown while another one is first
            else:
                mistakes.append(f"{kept / bug.name} does not show its bug ({run.said}); make another one with: "
                                f"./dev fuzz --planted --keep {bug.name}")
    if not options.names:
        bare = sorted({(bug.target, bug.oracle) for bug in bugs} - proven)
        mistakes += [f"no input shows that the oracle {oracle} of {target} falls; make one with: ./dev fuzz --planted --keep "
                     + " ".join(bug.name for bug in bugs if (bug.target, bug.oracle) == (target, oracle))
                     for target, oracle in bare]
        mistakes += unproven(bugs, options.corpora)
    for mistake in mistakes:
        print(f"planted: {mistake}", file=sys.stderr)
    if without:
        print(f"without an input yet: {' '.join(without)}")
    print(f"planted: {len(shown)}/{len(bugs)} bugs have an input, {len(mistakes)} mistakes")
    return 1 if mistakes or not shown else 0


def unproven(bugs: List[Bug], corpora: Path) -> List[str]:
    """Oracles that the targets' sources name and no bug is for, and bugs for oracles that there are not."""
    mistakes = []
    for target in read_targets(corpora):
        oracles = {bug.oracle for bug in bugs if bug.target == target}
        try:
            mistakes += [f"nothing shows that the oracle {oracle} of {target} can fall; plant a bug for it in the list of "
                         "base/planted_bug.h" for oracle in oracle_names.without_bug(corpora, target, oracles)]
            mistakes += [f"{target} has no oracle {oracle}, which a bug names; mend base/planted_bug.h"
                         for oracle in oracle_names.unnamed(corpora, target, oracles)]
        except oracle_names.Unreadable as mistake:
            mistakes.append(str(mistake))
    return mistakes


def positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 on")
    return int(text)


def read_options(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev fuzz --planted", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of bugs; without one: all")
    parser.add_argument("--seeds", type=positive, default=1, help="runs with each bug (1)")
    parser.add_argument("--seconds", type=positive, default=60, help="of a run at most (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, for scripts")
    parser.add_argument("--build", type=Path, default=ROOT / "build/planted", metavar="FOLDER",
                        help="of the preset planted (build/planted)")
    parser.add_argument("--corpora", type=Path, default=FOLDER, metavar="FOLDER",
                        help="targets.toml, and beside it what each run starts from, and planted/ (tests/fuzz)")
    parser.add_argument("--keep", action="store_true", help="keep the inputs that show the bugs")
    parser.add_argument("--replay", action="store_true", help="do no more than run the inputs that were kept")
    parser.add_argument("--check-arguments", action="store_true", help="look at the arguments and do nothing")
    options = parser.parse_args(arguments)
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.parent}")
    if options.json and options.json.is_dir():
        parser.error(f"--json: {options.json} is a folder")
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    options = read_options(arguments)
    if options.check_arguments:
        return 0
    try:
        bugs = choose(read_list(options.build / "tests/fuzz/device_fuzz"), options.names)
        if options.replay:
            return show_kept(bugs, options)
        total = measure(bugs, options)
        print(last_words(total), flush=True)
        if options.json:
            write_whole(options.json, json.dumps(total, indent=2) + "\n")
    except Failure as failure:
        print(f"planted: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        print("planted: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        return end_with(error)
    return 0 if total["found"] == total["bugs"] else 1


def end_by_signal(number: int, _frame: Any) -> None:
    """As an exception, on whose way what runs is ended."""
    sys.exit(128 + number)


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, end_by_signal)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored in the background
    sys.exit(main())
