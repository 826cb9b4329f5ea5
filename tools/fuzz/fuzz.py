#!/usr/bin/env python3
"""./dev fuzz: runs a fuzz target, and ends with one line of figures (docs/guide/fuzzing.md)."""
import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import List, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent))
import coverage  # noqa: E402
import minimise  # noqa: E402
import reproduce  # noqa: E402
from files import copy_whole, drop_cut_short, end_with, failed, is_cut_short, own_name, write_whole  # noqa: E402
from jobs import Crash, Interrupted, Run, heed_signals, restore_signals  # noqa: E402
from targets import FOLDER, ROOT, Target, read_targets  # noqa: E402
from toolfailed import ToolFailed, need_program  # noqa: E402

SECONDS = 60
LONGEST_S = 2**31 - 1  # the engine counts in an int
MOST_JOBS = 1024
DEVICE = "device"  # the one that has planted bugs


def parse(words: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev fuzz", description="Runs a fuzz target; without one, lists them.",
        epilog="--planted hands over to tools/fuzz/planted.py: ./dev fuzz --planted --help")
    parser.add_argument("target", nargs="?", metavar="TARGET", help="its name")
    parser.add_argument("folders", nargs="*", metavar="FOLDER",
                        help="with --minimise: further inputs, of another engine say")
    parser.add_argument("--seconds", type=int, metavar="N",
                        help=f"how long; {SECONDS} without it, 0: until Ctrl-C")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, one for a core")
    parser.add_argument("--json", metavar="FILE", help="the figures")
    parser.add_argument("--fast", action="store_true",
                        help="without sanitizers, three times as many runs: the oracles alone")
    parser.add_argument("--no-coverage", action="store_true",
                        help="no replay at the end that counts branches")
    parser.add_argument("--coverage", action="store_true",
                        help="branches that the checked-in corpora reach, with a report; of all "
                             "targets without TARGET")
    parser.add_argument("--from-empty", action="store_true",
                        help="with --coverage: those that --seconds from an empty corpus reach")
    parser.add_argument("--minimise", action="store_true",
                        help="adds to the checked-in corpus what reaches more than it does")
    parser.add_argument("--afresh", action="store_true",
                        help="with --minimise: drops checked-in inputs that others make superfluous, too")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--caller-dir", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    parser.add_argument("--builds", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_intermixed_args(words)
    check(parser, options)
    options.targets = ([options.known[options.target]] if options.target
                       else list(options.known.values()))
    options.json = options.json and options.caller_dir / options.json
    options.folders = [options.caller_dir / folder for folder in options.folders]
    return options


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    options.known = read_targets(options.root / FOLDER.relative_to(ROOT))
    if options.target and options.target not in options.known:
        parser.error(f"there is no target '{options.target}'; there are: {', '.join(options.known)}")
    if options.coverage and options.minimise:
        parser.error("--coverage and --minimise are two runs")
    if options.minimise and not options.target:
        parser.error("--minimise wants a target: ./dev fuzz TARGET --minimise")
    if options.folders and not options.minimise:
        parser.error(f"'{options.folders[0]}' is a word too many; folders go with --minimise")
    if options.from_empty and not options.coverage:
        parser.error("--from-empty goes with --coverage")
    if options.fast and (options.coverage or options.minimise):
        parser.error("--fast goes with neither --coverage nor --minimise: both want the sanitizers' build")
    if options.afresh and not options.minimise:
        parser.error("--afresh goes with --minimise")
    options.seconds_given = options.seconds is not None
    if options.seconds is None:
        options.seconds = SECONDS
    elif options.coverage and not options.from_empty:
        parser.error("--coverage replays what is there; with --from-empty it fuzzes for --seconds first")
    if not 0 <= options.seconds <= LONGEST_S or (options.seconds == 0 and options.from_empty):
        parser.error(f"--seconds: {options.seconds} is no length of time from {int(options.from_empty)} to {LONGEST_S}")
    if not options.target and not options.coverage and (options.fast or options.seconds_given or options.jobs != 1):
        parser.error("which target? ./dev fuzz lists them")
    if not 1 <= options.jobs <= MOST_JOBS:
        parser.error(f"--jobs: {options.jobs} is no number from 1 to {MOST_JOBS}")
    for folder in options.folders:
        if not (options.caller_dir / folder).is_dir():
            parser.error(f"there is no folder {folder}")
    if options.json and not (options.caller_dir / options.json).parent.is_dir():
        parser.error(f"there is no folder {Path(options.json).parent}")
    if options.json and (options.caller_dir / options.json).is_dir():
        parser.error(f"--json: {options.json} is a folder")


def needed_builds(options: argparse.Namespace) -> List[str]:
    """What has to be built first: lines of a preset and its targets."""
    if not options.target and not options.coverage:
        return []
    builds = []
    if not options.coverage or options.from_empty:
        builds.append(" ".join([preset_of(options), *(target.program for target in options.targets),
                                *(target.reproducer for target in options.targets if target.reproducer)]))
    if options.coverage or not (options.no_coverage or options.minimise):
        builds.append(" ".join(["coverage", *(target.replay for target in options.targets)]))
    return builds


def list_targets(options: argparse.Namespace) -> int:
    width = max(len(name) for name in options.known)
    for target in options.targets:
        print(f"{target.name:{width}}  {target.about}")
    print("run one with: ./dev fuzz TARGET [--seconds N] [--jobs N]")
    return 0


def show_progress(run: Run) -> None:
    print(f"...   {run.seconds:7.0f} s  {run.runs} runs  {run.rate:.0f} runs/s  "
          f"{run.edges} edges  corpus {run.corpus}", flush=True)


def show_crash(options: argparse.Namespace, target: Target, crash: Crash) -> None:
    print(f"FAIL  {crash.said}")
    if crash.input:
        print(f"      its input: {shown(options, crash.input)}")
        if is_cut_short(crash.input):
            print(f"      {failed('it is not whole', crash.input.parent)}; the log has a small one as Base64")
        print(f"      replay it: {replay_command(options, target, crash)}")
        if crash.falls_again is False:
            print("      it does not fall alone: what came before it matters; the report is in the log")
        for line in reproduce.describe(crash.reproducers, options.root):
            print(f"      {line}")
    print(f"      whole log: {shown(options, crash.log)}", flush=True)


def shown(options: argparse.Namespace, path: Path) -> str:
    return str(path.relative_to(options.root)) if path.is_relative_to(options.root) else str(path)


def replay_command(options: argparse.Namespace, target: Target, crash: Crash) -> str:
    return shlex.join([shown(options, program_of(options, target)), shown(options, crash.input)])


def preset_of(options: argparse.Namespace) -> str:
    return "fuzz-fast" if options.fast else "fuzz"


def program_of(options: argparse.Namespace, target: Target) -> Path:
    return options.root / "build" / preset_of(options) / "tests/fuzz" / target.program


def working_corpus(options: argparse.Namespace, target: Target) -> Path:
    return options.root / "build/fuzz/corpus" / target.name


def build_command(options: argparse.Namespace) -> str:
    return "./dev build fuzz" if not options.fast else "cmake --preset fuzz-fast && cmake --build --preset fuzz-fast"


def make_run(options: argparse.Namespace, target: Target, corpora: List[Path]) -> Run:
    need_program(program_of(options, target), build_command(options))
    return Run(program_of(options, target),
               target.engine_options(options.root / FOLDER.relative_to(ROOT)), corpora,
               options.root / "out/fuzz" / target.name,
               options.root / "build/log" / f"fuzz_{target.name}", options.jobs, options.seconds)


def seed(options: argparse.Namespace, target: Target) -> Path:
    """The working corpus, with all that is checked in."""
    working = working_corpus(options, target)
    working.mkdir(parents=True, exist_ok=True)
    for source in checked_in(options, target).iterdir():
        if not (working / source.name).exists():
            copy_whole(source, working / source.name)
    return working


def checked_in(options: argparse.Namespace, target: Target) -> Path:
    corpus = target.corpus(options.root / FOLDER.relative_to(ROOT))
    if not corpus.is_dir():
        sys.exit(f"error: there is no folder {shown(options, corpus)}; mend it with: git restore tests/fuzz")
    return corpus


def write_json(options: argparse.Namespace, content: dict) -> None:
    if options.json:
        write_whole(options.json, json.dumps(content, indent=1) + "\n")


def run_target(options: argparse.Namespace) -> int:
    target = options.targets[0]
    working = seed(options, target)
    run = make_run(options, target, [working])
    before = {path.name for path in working.iterdir()}
    signal_number = 0
    try:
        run.go(show_progress)
    except Interrupted as interrupted:
        signal_number = interrupted.args[0]
    for crash in run.crashes:
        if target.reproducer and crash.input and crash.input.is_file() and not is_cut_short(crash.input):
            program = program_of(options, target).with_name(target.reproducer)
            crash.reproducers = reproduce.write(program, crash.input, build_command(options))
        show_crash(options, target, crash)
    cut_short = drop_cut_short(working, before)
    if not (run.crashes or signal_number):
        check_runs(options, run, working)
    reached = None
    if not (options.no_coverage or run.crashes or signal_number):
        reached = coverage.measure(options.root, [(target, working)])
    branches = f" branches={reached.total.percent:.1f}% exempt={reached.total.excluded}" if reached else ""
    print(f"fuzz: target={target.name} runs/s={run.rate:.0f} runs={run.runs}{branches} "
          f"corpus={run.corpus} crashes={len(run.crashes)}", flush=True)
    write_json(options, {
        "target": target.name, "seconds": round(run.seconds, 1), "jobs": options.jobs,
        "runs": run.runs, "runs_per_second": round(run.rate), "edges": run.edges,
        "corpus": run.corpus, "branches": reached and reached.total.as_json(),
        "crashes": [{"said": crash.said, "log": shown(options, crash.log),
                     "input": crash.input and shown(options, crash.input),
                     "replay": crash.input and replay_command(options, target, crash),
                     "falls_again": crash.falls_again,
                     "reproducers": reproduce.as_json(crash.reproducers, options.root)} for crash in run.crashes]})
    if run.crashes:
        return 1
    check_written(options, cut_short, working)
    return 128 + signal_number if signal_number else 0


def check_runs(options: argparse.Namespace, run: Run, corpus: Path) -> None:
    if run.runs == 0:
        raise failed(f"{run.program.name} made no run; look at {shown(options, run.jobs[0].log)}", corpus)


def check_written(options: argparse.Namespace, cut_short: List[str], corpus: Path) -> None:
    if cut_short:
        raise failed(f"{len(cut_short)} inputs could not be written into {shown(options, corpus)}", corpus)


def grow_from_empty(options: argparse.Namespace, target: Target) -> Optional[Path]:
    folder = own_name(options.root / "build/fuzz/from_empty", target.name, kept=0)
    folder.mkdir()
    run = make_run(options, target, [folder])
    run.go(show_progress)
    for crash in run.crashes:
        show_crash(options, target, crash)
    if not run.crashes:
        check_runs(options, run, folder)
        check_written(options, drop_cut_short(folder, set()), folder)
    print(f"fuzz: target={target.name} runs/s={run.rate:.0f} runs={run.runs} corpus={run.corpus} "
          f"crashes={len(run.crashes)}", flush=True)
    return None if run.crashes else folder


def run_coverage(options: argparse.Namespace) -> int:
    pairs = []
    for target in options.targets:
        corpus = grow_from_empty(options, target) if options.from_empty else checked_in(options, target)
        if corpus is None:
            return 1
        pairs.append((target, corpus))
    reached = coverage.measure(options.root, pairs, options.root / "out/fuzz/coverage")
    coverage.show(reached)
    write_json(options, reached.as_json())
    print(reached.summary(options.target or "all"), flush=True)
    return 0


def run_minimise(options: argparse.Namespace) -> int:
    target = options.targets[0]
    merge = minimise.Merge(program_of(options, target),
                           target.engine_options(options.root / FOLDER.relative_to(ROOT)),
                           checked_in(options, target), options.root / "build/log" / f"minimise_{target.name}")
    working = working_corpus(options, target)
    sources = ([working] if working.is_dir() else []) + options.folders
    result = merge.go(sources, afresh=options.afresh)
    write_json(options, result.as_json(target.name))
    print(result.summary(target.name))
    return 0


def main(words: List[str]) -> int:
    options = parse(words)
    if options.builds:
        print("\n".join(needed_builds(options)))
        return 0
    kept = heed_signals()
    try:
        action = (run_coverage if options.coverage else run_minimise if options.minimise
                  else run_target if options.target else list_targets)
        code = action(options)
        sys.stdout.flush()
        return code
    except Interrupted as interrupted:
        print("fuzz: interrupted", file=sys.stderr)
        return 128 + interrupted.args[0]
    except ToolFailed as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return trouble.exit_code
    except OSError as trouble:
        return end_with(trouble)
    finally:
        restore_signals(kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
