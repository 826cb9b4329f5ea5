"""Merges inputs into a checked-in corpus: only those that reach more than it does, by libFuzzer's own merge."""
import hashlib
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

from jobs import end_processes, engine_environment
from toolfailed import ToolFailed


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
    def __init__(self, program: Path, options: List[str], corpus: Path, log: Path):
        self.program = program
        # A dictionary is of no use to a merge.
        self.options = [option for option in options if not option.startswith("-dict=")]
        self.corpus = corpus
        self.log = log

    def go(self, sources: List[Path], afresh: bool) -> Result:
        """`afresh`: the corpus, too, keeps only what is needed; else it keeps all that it has."""
        before, offered = measure([self.corpus]), measure(sources)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.log.parent) as name:
            chosen = Path(name) / "chosen"
            if afresh:
                chosen.mkdir()
                self.merge(chosen, [self.corpus, *sources])
            else:
                shutil.copytree(self.corpus, chosen)
                if sources:
                    self.merge(chosen, sources)
            added, dropped = self.take(chosen, afresh)
        return Result(before, offered, measure([self.corpus]), added, dropped)

    def merge(self, into: Path, sources: List[Path]) -> None:
        # -set_cover_merge keeps fewer than -merge, and starts from nothing; -merge keeps what is there.
        way = "-merge=1" if any(into.iterdir()) else "-set_cover_merge=1"
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
            raise ToolFailed(f"the merge ended with exit code {process.returncode}; look at {self.log}")

    def take(self, chosen: Path, afresh: bool) -> Tuple[int, int]:
        """Makes the corpus what was chosen. Names are the inputs' SHA-1, so that the same input has the
        same one; what is there already keeps the name that it has."""
        known = {digest(path): path for path in self.corpus.iterdir()}
        wanted = {digest(path): path for path in chosen.iterdir()}
        added = [name for name in wanted if name not in known]
        dropped = [name for name in known if afresh and name not in wanted]
        for name in added:
            shutil.copyfile(wanted[name], self.corpus / name)
        for name in dropped:
            known[name].unlink()
        return len(added), len(dropped)


def digest(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()
