"""What runs in a soak: a player with the chip in its own process, and one on a served chip."""

import os
import re
import secrets
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Optional

from demo import encryption, job
from demo.clip import FRAME_BYTES, Clip

FRAMES = 4
READY_S = 30
END_S = 60
DONE = re.compile(r"^done connections=(\d+) sessions=(\d+) frames=(\d+) resets=(\d+) faults=(\d+)$")


class SoakError(Exception):
    """Its text is meant for people."""


class Tally(NamedTuple):
    connections: int = 0
    sessions: int = 0
    frames: int = 0
    resets: int = 0
    faults: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(*(mine + its for mine, its in zip(self, other)))


def find_program(build: Path, path: str) -> Path:
    program = build / path
    if not program.exists():
        raise SoakError(f"{program} is missing; mend it with: ./dev build release")
    return program


class Player:
    """Plays until it is told to end; what it says is in a file."""

    def __init__(self, name: str, program: Path, address: str, folder: Path, clip: Clip):
        self.name = name
        self._log = folder / f"{name}.log"
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [program, address, folder / "job", clip.path, folder / f"{name}.output"],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)

    @property
    def pid(self) -> int:
        return self.process.pid

    def tally(self) -> Tally:
        """The newest that it told."""
        for line in reversed(self.lines()):
            match = DONE.match(line)
            if match:
                return Tally(*map(int, match.groups()))
        return Tally()

    def lines(self) -> list:
        return self._log.read_text(errors="replace").splitlines()

    def complaints(self) -> list:
        return [line for line in self.lines() if not line.startswith("done ")]

    def end(self) -> None:
        """Returns when it has ended, by itself or not."""
        self.process.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Server:
    """`ward serve` on a UNIX socket."""

    name = "ward serve"

    def __init__(self, program: Path, folder: Path):
        self.socket = folder / "gpu.sock"
        self._log = folder / "server.log"
        # A process that is not dumpable shows nobody but root how many descriptors it has.
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--socket", self.socket, "--identity", folder / "identity", "--core-dumps"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        limit = time.monotonic() + READY_S
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.end()
                raise SoakError(f"the server did not come up: {' '.join(self.lines()[-3:])}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self.process.pid

    def lines(self) -> list:
        return self._log.read_text(errors="replace").splitlines()

    def end(self) -> Optional[int]:
        """Its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def make_clip(folder: Path, identity: Path) -> Clip:
    """Pictures of noise, and the job that has them encrypted by the openssl command."""
    path = folder / "clip"
    path.write_bytes(secrets.token_bytes(FRAMES * FRAME_BYTES))
    clip = Clip(path, FRAMES, "noise")
    key = encryption.encrypt(path, folder / "clip.enc")
    job.write_job(folder / "job", folder / "clip.enc", clip, key, identity / "root.pem")
    os.unlink(folder / "clip.enc")
    return clip


class Stack:
    """A context manager: everything that it started has ended when it ends."""

    def __init__(self, build: Path, folder: Path):
        self._ward = find_program(build, "emulator/cli/ward")
        self._program = find_program(build, "tests/soak/ward_soak_player")
        self._folder = folder
        self.players: list = []
        self.server: Optional[Server] = None
        self.server_code: Optional[int] = None

    def __enter__(self) -> "Stack":
        identity = self._folder / "identity"
        made = subprocess.run([self._ward, "identity", "create", identity], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode != 0:
            raise SoakError(made.stdout.strip())
        clip = make_clip(self._folder, identity)
        try:
            self.server = Server(self._ward, self._folder)
            for name, address in (("in process", f"in-process:{identity}"),
                                  ("served", f"vfio-user:{self.server.socket}")):
                self.players.append(Player(name, self._program, address, self._folder, clip))
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def processes(self) -> list:
        return [self.server, *self.players]

    def tally(self) -> Tally:
        total = Tally()
        for player in self.players:
            total = total.plus(player.tally())
        return total

    def end(self) -> None:
        for player in self.players:
            player.end()
        if self.server is not None and self.server_code is None:
            self.server_code = self.server.end()
