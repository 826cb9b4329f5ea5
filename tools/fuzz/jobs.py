"""Runs a fuzz target on several cores: processes that share one working corpus."""
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Callable, Dict, List, Optional

from files import explain, own_name
from reproduce import Reproducers
from toolfailed import Unwritable
from verdict import read_verdict

# "#4096 pulse  cov: 812 ft: 2210 corp: 97/4Kb lim: 163 exec/s: 2048 rss: 121Mb"
STATUS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: \d+ corp: (\d+)/")
EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
ARTIFACT = re.compile(r"Test unit written to (.+)")  # the folder's name may hold spaces
SLOW = "slow-unit-"  # a note of libFuzzer's, no crash
TIMEOUT_S = 10  # of one input
MEMORY_MIB = 4096
END_S = 10  # from SIGINT to SIGKILL
INTERRUPTED = 72  # libFuzzer's exit code after SIGINT
REPLAY_S = 120


@dataclass
class Crash:
    input: Optional[Path]  # None: the program ended without one
    said: str
    log: Path
    falls_again: Optional[bool] = None
    reproducers: Optional[Reproducers] = None


@dataclass
class Job:
    """One process, and what it has said so far."""
    process: subprocess.Popen
    log: Path
    runs: int = 0
    edges: int = 0
    corpus: int = 0
    artifact: Optional[Path] = None
    reader: Optional[threading.Thread] = None
    lines: List[str] = field(default_factory=list)
    trouble: Optional[OSError] = None  # of its log

    def read(self, log: BinaryIO) -> None:
        """To the end, whatever becomes of the log: a process that nobody reads waits for ever."""
        with log:
            for line in self.process.stderr:
                try:
                    log.write(line.encode())
                except OSError as error:
                    self.trouble = self.trouble or error
                self.heed(line)

    def has_fallen(self) -> bool:
        return self.process.poll() not in (None, 0, INTERRUPTED) or self.artifact is not None

    def heed(self, line: str) -> None:
        status = STATUS.match(line)
        if status:
            self.runs, self.edges, self.corpus = (int(text) for text in status.groups())
            return
        executed, artifact = EXECUTED.match(line), ARTIFACT.search(line)
        if executed:
            self.runs = int(executed.group(1))
        elif artifact and not Path(artifact.group(1)).name.startswith(SLOW):
            self.artifact = Path(artifact.group(1))
        # A report is long, and the log has all of it.
        if len(self.lines) < 2000:
            self.lines.append(line)


class Interrupted(Exception):
    """A signal asked for the end; its number is the argument."""


def heed_signals() -> Dict[int, object]:
    """SIGINT, SIGTERM and SIGHUP end the run by Interrupted, even where the shell had them ignored.
    Returns what was there before."""
    def interrupt(number, _frame):
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # the end is under way
        raise Interrupted(number)
    return {number: signal.signal(number, interrupt)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


def restore_signals(kept: Dict[int, object]) -> None:
    for number, handler in kept.items():
        signal.signal(number, handler)


def engine_environment() -> Dict[str, str]:
    """With what makes the sanitizers' reports readable."""
    environment = dict(os.environ)
    symbolizer = "/usr/bin/llvm-symbolizer-19"
    if os.path.exists(symbolizer):
        environment.setdefault("ASAN_SYMBOLIZER_PATH", symbolizer)
        environment.setdefault("UBSAN_SYMBOLIZER_PATH", symbolizer)
    return environment


def end_processes(processes: List[subprocess.Popen], with_group: bool = False) -> None:
    """Asks them to end, and sees that they do; with their groups, where they lead groups."""
    def tell(process: subprocess.Popen, number: int) -> None:
        if with_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    for process in processes:
        if process.poll() is None:
            tell(process, signal.SIGINT)
    limit = time.monotonic() + END_S
    for process in processes:
        try:
            process.wait(max(0.0, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            tell(process, signal.SIGKILL)
            process.wait()


class Run:
    """A run of `jobs` processes over `corpora`; the first of these takes what is new. `logs` is what their logs' names begin
    with; the process's number follows, as others may run the same target."""

    def __init__(self, program: Path, options: List[str], corpora: List[Path], artifacts: Path,
                 logs: Path, jobs: int, seconds: int):
        self.program = program
        self.artifacts = artifacts
        self.command = [str(program), *options, f"-timeout={TIMEOUT_S}",
                        f"-report_slow_units={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MIB}",
                        f"-max_total_time={seconds}", "-print_final_stats=1", "-reload=1",
                        f"-artifact_prefix={artifacts}/", *(str(corpus) for corpus in corpora)]
        self.logs = logs
        self.count = jobs
        self.jobs: List[Job] = []
        self.seconds = 0.0
        self.crashes: List[Crash] = []

    @property
    def runs(self) -> int:
        return sum(job.runs for job in self.jobs)

    @property
    def rate(self) -> float:
        return self.runs / self.seconds if self.seconds > 0 else 0.0

    @property
    def edges(self) -> int:
        return max((job.edges for job in self.jobs), default=0)

    @property
    def corpus(self) -> int:
        return max((job.corpus for job in self.jobs), default=0)

    def go(self, show: Callable[["Run"], None], interval: float = 5.0) -> None:
        """Until the time is over, an input crashes, or Interrupted is raised; no process is left."""
        self.artifacts.mkdir(parents=True, exist_ok=True)
        stem = own_name(self.logs.parent, self.logs.name)
        start = shown = time.monotonic()
        try:
            for index in range(self.count):
                self.start_job(stem.with_name(f"{stem.name}_{index}.log"))
            while any(job.process.poll() is None for job in self.jobs):
                if any((job.process.poll() and job.has_fallen()) or job.trouble for job in self.jobs):
                    break
                time.sleep(0.05)
                self.seconds = time.monotonic() - start
                if time.monotonic() - shown >= interval:
                    shown = time.monotonic()
                    show(self)
        finally:
            fallen = [job for job in self.jobs if job.process.poll() and job.has_fallen()]
            end_processes([job.process for job in self.jobs])
            for job in self.jobs:
                job.reader.join()
                job.process.stderr.close()
            self.seconds = time.monotonic() - start
        # Another may have found something while it was asked to end.
        fallen += [job for job in self.jobs if job.artifact and job not in fallen]
        self.crashes = [self.describe(job) for job in fallen]
        for job in self.jobs:
            if job.trouble and not self.crashes:
                job.trouble.filename = str(job.log)
                raise Unwritable(explain(job.trouble))

    def start_job(self, log: Path) -> None:
        file = open(log, "wb", buffering=0)
        process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, env=engine_environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   errors="replace")
        job = Job(process, log)
        self.jobs.append(job)
        job.reader = threading.Thread(target=job.read, args=[file], daemon=True)
        job.reader.start()

    def describe(self, job: Job) -> Crash:
        code = job.process.returncode
        said = read_verdict(job.lines)
        if said is None:
            last = job.lines[-1].strip() if job.lines else "it said nothing"
            said = f"{self.program.name} ended with exit code {code}: {last}"
        crash = Crash(job.artifact, said, job.log)
        if job.artifact and job.artifact.exists():
            crash.falls_again = self.falls_again(job.artifact)
        return crash

    def falls_again(self, artifact: Path) -> bool:
        """Whether the input alone is enough; else it needed those before it."""
        try:
            return subprocess.run([str(self.program), str(artifact)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                                  timeout=REPLAY_S).returncode != 0
        except subprocess.TimeoutExpired:
            return True
