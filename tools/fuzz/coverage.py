"""Branch coverage of what a guest can reach: replays corpora in the `coverage` build and asks llvm-cov.

The files are llvm-cov's own list of those that are linked into the replays, as far as they lie in
device/, firmware/ and base/. What no guest can reach of them is in tests/fuzz/not_reachable.toml,
with reasons, and is told with every figure.
"""
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from branches import Exclusion, FileBranches, apply_exclusions, read_export, read_exclusions
from files import failed, own_name
from targets import Target
from toolfailed import ToolFailed, need_program

FOLDERS = ("device", "firmware", "base")
EXCLUSIONS = "tests/fuzz/not_reachable.toml"
PROFDATA, COV = "llvm-profdata-19", "llvm-cov-19"


@dataclass(frozen=True)
class Total:
    outcomes: int
    missed: int
    excluded: int

    @property
    def percent(self) -> float:
        return 100.0 * (self.outcomes - self.missed) / self.outcomes if self.outcomes else 0.0

    def as_json(self) -> dict:
        return {"percent": round(self.percent, 2), "branches": self.outcomes, "missed": self.missed,
                "exempt": self.excluded}


@dataclass
class Reached:
    files: Dict[str, FileBranches]
    exclusions: List[Exclusion]
    report: Optional[Path] = None

    @property
    def total(self) -> Total:
        return add_up(self.files.values())

    def summary(self, name: str) -> str:
        total = self.total
        report = f" report={self.report}/index.html" if self.report else ""
        return (f"coverage: target={name} branches={total.percent:.1f}% "
                f"({total.outcomes - total.missed}/{total.outcomes}) exempt={total.excluded} "
                f"files={len(self.files)}{report}")

    def as_json(self) -> dict:
        return {"total": self.total.as_json(),
                "files": {name: add_up([file]).as_json() | {
                    "missed_outcomes": [{"line": outcome.line, "side": outcome.side, "text": outcome.text}
                                        for outcome in file.missed]}
                    for name, file in self.files.items()},
                "exempt": [{"why": exclusion.why, "places": [
                    {"what": place.name(), "outcomes": place.excluded, "reached": place.reached}
                    for place in exclusion.places]} for exclusion in self.exclusions]}


def add_up(files) -> Total:
    files = list(files)
    counted = sum(len(file.counted) for file in files)
    return Total(counted, sum(len(file.missed) for file in files),
                 sum(len(file.outcomes) for file in files) - counted)


def call(command: List[str], log: Path, environment: Optional[dict] = None, output=None) -> None:
    with open(log, "a", encoding="utf-8") as errors:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output or errors,
                                  stderr=errors, env=environment, check=False)
        except FileNotFoundError:
            raise ToolFailed(f"there is no {command[0]}; mend it with: ./dev setup") from None
    if done.returncode != 0:
        raise failed(f"{Path(command[0]).name} ended with exit code {done.returncode}; look at {log}", log.parent)


def measure(root: Path, pairs: List[Tuple[Target, Path]], report: Optional[Path] = None) -> Reached:
    """Replays each target's corpus; with `report`, leaves pages of the sources there."""
    logs = root / "build/log"
    log = own_name(logs, "fuzz_coverage").with_suffix(".log")
    log.write_text("")
    replays = [root / "build/coverage/tests/fuzz" / target.replay for target, _ in pairs]
    for replay in replays:
        need_program(replay, "./dev build coverage")
    if report:
        report.mkdir(parents=True, exist_ok=True)  # what is in the way is said now
    with tempfile.TemporaryDirectory(dir=logs) as name:
        scratch = Path(name)
        for (target, corpus), replay in zip(pairs, replays):
            if not any(corpus.iterdir()):
                raise ToolFailed(f"there is no input in {corpus}")
            call([str(replay), str(corpus)], log,
                 os.environ | {"LLVM_PROFILE_FILE": str(scratch / f"{target.name}.profraw")})
        profile = scratch / "all.profdata"
        call([PROFDATA, "merge", "-sparse", *map(str, sorted(scratch.glob("*.profraw"))), "-o",
              str(profile)], log)
        what = [f"-instr-profile={profile}", str(replays[0])]
        what += [f"-object={replay}" for replay in replays[1:]]
        what += [str(root / folder) for folder in FOLDERS]
        with open(scratch / "export.json", "w+b") as export:
            call([COV, "export", *what], log, output=export)
            export.seek(0)
            files = read_export(json.load(export), root)
        if report:
            pages = scratch / "pages"
            call([COV, "show", "-format=html", f"-output-dir={pages}", "-show-branches=count",
                  "-show-line-counts-or-regions", f"-project-title=WardGPU, {names(pairs)}", *what], log)
            put_in_place(pages, report)
    exclusions = read_exclusions(root / EXCLUSIONS)
    apply_exclusions(files, exclusions)
    # A file without a condition says nothing.
    files = {name: file for name, file in files.items() if file.outcomes}
    return Reached(files, exclusions, report and report.relative_to(root))


def put_in_place(pages: Path, report: Path) -> None:
    """The old report is there until the new one is."""
    with tempfile.TemporaryDirectory(dir=report.parent, prefix=".ward-") as name:
        new = Path(name) / "new"
        shutil.move(pages, new)  # which may lie on another disk
        report.rename(Path(name) / "old")
        new.rename(report)


def names(pairs: List[Tuple[Target, Path]]) -> str:
    return ", ".join(target.name for target, _ in pairs)


def show(reached: Reached) -> None:
    width = max(len(name) for name in reached.files)
    print(f"{'file':{width}}  branches  missed  reached")
    for name, file in sorted(reached.files.items(), key=lambda item: -len(item[1].missed)):
        total = add_up([file])
        print(f"{name:{width}}  {total.outcomes:8}  {total.missed:6}  {total.percent:6.1f}%")
    print(f"\nexempt, as no guest can reach it ({EXCLUSIONS}):")
    for exclusion in reached.exclusions:
        print(f"{sum(place.excluded for place in exclusion.places):6}  {exclusion.why}")
        for place in exclusion.places:
            # A place without a side has ways that are taken.
            if place.reached and place.side:
                print(f"        warning: {place.reached} of '{place.name()}' were reached after all, and are counted")
    print(flush=True)
