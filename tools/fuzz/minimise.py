"""Merges inputs into a checked-in corpus: only those that reach more than it does, by libFuzzer's own merge."""
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

from files import copy_whole, digest, drop_cut_short, explain, failed, own_name
from jobs import end_processes, engine_environment
from toolfailed import Unwritable, need_program


@dataclass(frozen=True)
class Size:
    files: int
    bytes: int

    def text(self) -> str:
        return f"{self.files} inputs, {self.bytes} bytes"


@dataclass(frozen=True)
class Result:
    before: Size
    offered: Size
    after: Size
    added: int
    dropped: int

    def summary(self, name: str) -> str:
        return (f"minimise: target={name} before={self.before.files} ({self.before.bytes} bytes) "
                f"offered={self.offered.files} added={self.added} dropped={self.dropped} "
                f"after={self.after.files} ({self.after.bytes} bytes)")

    def as_json(self, name: str) -> dict:
        return {"target": name, "added": self.added, "dropped": self.dropped,
                **{part: {"files": size.files, "bytes": size.bytes}
                   for part, size in (("before", self.before), ("offered", self.offered),
                                      ("after", self.after))}}


def measure(folders: List[Path]) -> Size:
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()]
    return Size(len(sizes), sum(sizes))


class Merge:
    """`logs` is what the log's name begins with."""

    def __init__(self, program: Path, options: List[str], corpus: Path, logs: Path):
        self.program = program
        # A dictionary is of no use to a merge.
        self.options = [option for option in options if not option.startswith("-dict=")]
        self.corpus = corpus
        self.logs = logs
        self.log = logs  # once it is known

    def go(self, sources: List[Path], afresh: bool) -> Result:
        """`afresh`: the corpus, too, keeps only what is needed; else it keeps all that it has."""
        need_program(self.program, "./dev build fuzz")
        before, offered = measure([self.corpus]), measure(sources)
        self.log = own_name(self.logs.parent, self.logs.name).with_suffix(".log")
        with tempfile.TemporaryDirectory(dir=self.log.parent) as name:
            chosen = Path(name) / "chosen"
            chosen.mkdir()
            if afresh:
                self.merge(chosen, [self.corpus, *sources])
            else:
                for path in self.corpus.iterdir():
                    copy_whole(path, chosen / path.name)
                if sources:
                    self.merge(chosen, sources)
            added, dropped = self.take(chosen, afresh)
        return Result(before, offered, measure([self.corpus]), added, dropped)

    def merge(self, into: Path, sources: List[Path]) -> None:
        # -set_cover_merge keeps fewer than -merge, and starts from nothing; -merge keeps what is there.
        there = {path.name for path in into.iterdir()}
        way = "-merge=1" if there else "-set_cover_merge=1"
        # Without counters, how often an edge is taken makes no input worth keeping: with them corpora are ten times
        # as large, and reach the same branches.
        command = [str(self.program), *self.options, way, "-use_counters=0", "-timeout=10", str(into),
                   *(str(source) for source in sources)]
        start = shown = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=engine_environment(), start_new_session=True)
            try:
                while process.poll() is None:
                    time.sleep(0.05)
                    if time.monotonic() - shown >= 5:
                        shown = time.monotonic()
                        print(f"...   {shown - start:7.0f} s  still merging", flush=True)
            finally:
                end_processes([process], with_group=True)
        if process.returncode != 0:
            raise failed(f"the merge ended with exit code {process.returncode}; look at {self.log}", into,
                         Path(tempfile.gettempdir()))
        if drop_cut_short(into, there):
            raise failed(f"the merge could not write all of its inputs into {into}", into)

    def take(self, chosen: Path, afresh: bool) -> Tuple[int, int]:
        """Makes the corpus what was chosen. Names are the inputs' SHA-1, so that the same input has the
        same one; what is there already keeps the name that it has."""
        known = {digest(path): path for path in self.corpus.iterdir()}
        wanted = {digest(path): path for path in chosen.iterdir()}
        added = [name for name in wanted if name not in known]
        dropped = [name for name in known if afresh and name not in wanted]
        try:
            for name in added:
                copy_whole(wanted[name], self.corpus / name)
        except OSError as error:
            for name in added:
                (self.corpus / name).unlink(missing_ok=True)
            raise Unwritable(f"{explain(error)}; the corpus is as it was") from None
        for name in dropped:
            known[name].unlink(missing_ok=True)
        return len(added), len(dropped)
