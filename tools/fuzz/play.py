#!/usr/bin/env python3
"""./dev fuzz --play: plays an input of the device target, or its text, in this process, in QEMU and over vfio-user.

Each way prints its outcome, and the last line says whether they agree; of one way alone there is nothing to compare. Exit
code 0: they do, or it was played; 1: they don't, or one could not be played; 2: wrong usage. docs/guide/fuzzing.md, "From a crash to a test".
"""
import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tools/fuzz"))
from files import end_with, write_whole  # noqa: E402
from jobs import Interrupted, heed_signals, restore_signals  # noqa: E402
from vm.error import VmError  # noqa: E402
from vm.served import ServedGpu  # noqa: E402

WAYS = ("process", "qemu", "vfio-user")
QEMU = "qemu-system-x86_64"
# As the machine of the fuzzer has it (tests/fuzz/device/layout.h).
MEMORY = ["vram-size=16M", "protected-size=16M"]
SERVED_MEMORY = ["--vram", "16M", "--protected", "16M"]
QTEST_S = 60
PROGRAM_S = 300
REST_S = 10
PAUSE_S = 0.0005
LONGEST_STEP_S = 0.05  # of a script's clock_step, which may be an hour
# Where the scripts put BAR0, and what is polled there.
REGISTERS = 0xe0000000
QUEUES, QUEUE_STRIDE, QUEUE_STATUS, RUNNING = 4, 0x100, 0x1004, 2


class PlayFailed(Exception):
    """One line: which way, what is wrong, and what mends it."""


@dataclass(frozen=True)
class Tools:
    reproduce: Path
    ward: Path
    plugin: Path

    def check(self, ways: List[str]) -> None:
        """What is missing is said before anything is played."""
        needed = [(self.reproduce, "cmake --preset release && ninja -C build/release device_reproduce")]
        if "vfio-user" in ways:
            needed.append((self.ward, "./dev build release"))
        if "qemu" in ways:
            needed.append((self.plugin, "./dev build device"))
        for path, command in needed:
            if not path.is_file():
                raise PlayFailed(f"there is no {path}; make it with: {command}")

    def run(self, *words: str) -> str:
        done = subprocess.run([str(self.reproduce), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=PROGRAM_S, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise PlayFailed(said[0] if said else f"{self.reproduce.name} {words[0]} ended with exit code "
                                                  f"{done.returncode}")
        sys.stderr.write(done.stderr)
        return done.stdout


class Qtest:
    """QEMU with our device, and a processor that halts. Packages of QEMU have no accelerator qtest, whose clock goes
    on as it is told (clock_step): time passes by itself."""

    def __init__(self, tools: Tools, folder: Path, identity: Path):
        self.log = folder / "qemu.log"
        ours, theirs = socket.socketpair()
        firmware = bytearray(65536)
        firmware[-16:-12] = b"\xfa\xf4\xeb\xfd"  # cli; hlt; jump back to the hlt
        (folder / "firmware").write_bytes(firmware)
        device = ",".join(["ward-gpu,addr=5", *MEMORY, f"identity={identity}"])
        command = [QEMU, "-M", "q35,accel=tcg", "-bios", "firmware", "-m", "512", "-nodefaults", "-no-user-config", "-nic", "none",
                   "-display", "none", "-chardev", f"socket,id=qtest,fd={theirs.fileno()}",
                   "-qtest", "chardev:qtest", "-qtest-log", "none",
                   "-plugin", str(tools.plugin).replace(",", ",,"), "-device", device]
        try:
            with open(self.log, "wb") as log:
                self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, pass_fds=(theirs.fileno(),))
        except FileNotFoundError:
            raise PlayFailed(f"qemu: there is no {QEMU}; install it with: ./dev setup") from None
        finally:
            theirs.close()
        ours.settimeout(QTEST_S)
        self.socket, self.partial = ours, b""

    def __enter__(self) -> "Qtest":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.close()

    def ask(self, line: str) -> str:
        try:
            self.socket.sendall(line.encode() + b"\n")
            while b"\n" not in self.partial:
                data = self.socket.recv(1 << 20)
                if not data:
                    raise ConnectionError
                self.partial += data
        except TimeoutError:
            raise PlayFailed(f"qemu: no answer to '{line[:60]}' within {QTEST_S} s") from None
        except OSError:
            said = self.log.read_text(errors="replace").strip().splitlines()
            raise PlayFailed(f"qemu: it has ended at '{line[:60]}': {said[-1] if said else 'without a word'}") from None
        answer, self.partial = self.partial.split(b"\n", 1)
        words = answer.decode(errors="replace").split()
        if not words or words[0] != "OK":
            raise PlayFailed(f"qemu: '{line[:60]}' got: {answer.decode(errors='replace')}")
        return words[1] if len(words) > 1 else ""

    def rest(self, registers: int) -> None:
        """Until no queue works by itself; one that waits gets time by the script."""
        limit = time.monotonic() + REST_S
        while time.monotonic() < limit:
            states = [int(self.ask(f"readl {registers + QUEUE_STATUS + queue * QUEUE_STRIDE:#x}"), 16) & 7
                      for queue in range(QUEUES)]
            if RUNNING not in states:
                return
            time.sleep(PAUSE_S)


def play_qtest(machine: Qtest, script: str) -> List[str]:
    """The values that the script reads behind its lines `# outcome`, each up to the next comment."""
    values: List[str] = []
    is_outcome = False
    for line in script.splitlines():
        if line.startswith("#"):
            is_outcome = line == "# outcome"
            if line == "# rest":
                machine.rest(REGISTERS)
            continue
        if line.startswith("clock_step "):
            time.sleep(min(int(line.split()[1]) / 1e9, LONGEST_STEP_S))
            continue
        answer = machine.ask(line)
        if is_outcome:
            values.append(answer)
    return values


def play_process(tools: Tools, text: str) -> str:
    # The digest is of this way alone.
    return "".join(line + "\n" for line in tools.run("run", text).splitlines() if not line.startswith("digest "))


def play_qemu(tools: Tools, text: str, folder: Path, identity: Path) -> str:
    script = tools.run("qtest", text)
    with Qtest(tools, folder, identity) as machine:
        values = play_qtest(machine, script)
    return tools.run("outcome", *values)


def play_vfio_user(tools: Tools, text: str, folder: Path, identity: Path) -> str:
    path = folder / "gpu.sock"
    with ServedGpu(tools.ward, ["--socket", str(path), "--identity", str(identity), *SERVED_MEMORY],
                   folder / "ward.log"):
        return tools.run("run", text, "--device", f"vfio-user:{path}")


def play(tools: Tools, text: str, ways: List[str]) -> Iterator[tuple]:
    """(way, outcome), one after another."""
    with tempfile.TemporaryDirectory(prefix="ward-play-") as name:
        folder = Path(name)
        if "," in name and set(ways) != {"process"}:
            raise PlayFailed(f"{name} has a comma, which options of QEMU and addresses of devices can't have; "
                             "name another folder for temporary files: TMPDIR=/tmp ./dev fuzz --play ...")
        identity = folder / "identity"
        tools.run("identity", str(identity))
        for way in ways:
            try:
                if way == "process":
                    yield way, play_process(tools, text)
                elif way == "qemu":
                    yield way, play_qemu(tools, text, folder, identity)
                else:
                    yield way, play_vfio_user(tools, text, folder, identity)
            except subprocess.TimeoutExpired:
                raise PlayFailed(f"{way}: it takes longer than {PROGRAM_S} s") from None
            except VmError as error:
                raise PlayFailed(f"{way}: {error}") from None


def verdict(outcomes: Dict[str, str], apart: List[str]) -> Optional[bool]:
    """Whether the ways agree; None where one way alone was played."""
    return not apart if len(outcomes) > 1 else None


def differences(outcomes: Dict[str, str]) -> List[str]:
    """Lines in which the ways differ."""
    rows = itertools.zip_longest(*(outcome.splitlines() for outcome in outcomes.values()), fillvalue="nothing")
    return [" | ".join(f"{way}: {line}" for way, line in zip(outcomes, row)) for row in rows if len(set(row)) > 1]


def parse(words: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev fuzz --play", description="Plays an input of the device target, or its text, in each way.")
    parser.add_argument("text", metavar="FILE", type=Path, help="an input, or what device_reproduce text makes of one")
    parser.add_argument("--in", dest="ways", action="append", choices=WAYS, help="one way, instead of all; repeatable")
    parser.add_argument("--json", metavar="FILE", help="the outcomes")
    build = ROOT / "build/release"
    parser.add_argument("--reproduce", type=Path, default=build / "tests/fuzz/device_reproduce", help=argparse.SUPPRESS)
    parser.add_argument("--ward", type=Path, default=Path(os.environ.get("WARD_TOOL", build / "emulator/cli/ward")),
                        help=argparse.SUPPRESS)
    parser.add_argument("--plugin", type=Path, help=argparse.SUPPRESS,
                        default=Path(os.environ.get("WARD_QEMU_PLUGIN", ROOT / "build/qemu/ward-qemu.so")))
    parser.add_argument("--caller-dir", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    parser.add_argument("--builds", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    options.text = options.caller_dir / options.text
    options.ways = list(dict.fromkeys(options.ways or WAYS))
    if not options.text.is_file():
        parser.error(f"there is no file {options.text}")
    if options.json and not (options.caller_dir / options.json).parent.is_dir():
        parser.error(f"there is no folder {Path(options.json).parent}")
    if options.json and (options.caller_dir / options.json).is_dir():
        parser.error(f"--json: {options.json} is a folder")
    return options


def needed_builds(ways: List[str]) -> List[str]:
    """Lines of a preset and its targets; `device` is QEMU's."""
    builds = ["release device_reproduce" + (" ward" if "vfio-user" in ways else "")]
    return builds + (["device"] if "qemu" in ways else [])


def main(words: List[str]) -> int:
    options = parse(words)
    if options.builds:
        print("\n".join(needed_builds(options.ways)))
        return 0
    kept = heed_signals()
    try:
        return play_all(options)
    except Interrupted as interrupted:
        print("play: interrupted", file=sys.stderr)
        return 128 + interrupted.args[0]
    except OSError as trouble:
        return end_with(trouble)
    finally:
        restore_signals(kept)


def play_all(options: argparse.Namespace) -> int:
    tools = Tools(*(path.absolute() for path in (options.reproduce, options.ward, options.plugin)))
    outcomes: Dict[str, str] = {}
    failed: Optional[PlayFailed] = None
    try:
        tools.check(options.ways)
        for way, outcome in play(tools, str(options.text), options.ways):
            outcomes[way] = outcome
            print(f"{way}:")
            print("".join(f"  {line}\n" for line in outcome.splitlines()), end="", flush=True)
    except PlayFailed as error:
        failed = error
        print(f"error: {error}", file=sys.stderr)
    apart = differences(outcomes)
    if not failed:
        for line in apart:
            print(f"differs: {line}")
        agree = {True: "yes", False: "no", None: "nothing-to-compare"}[verdict(outcomes, apart)]
        print(f"play: ways={','.join(outcomes)} agree={agree}", flush=True)
    if options.json:
        write_whole(options.caller_dir / options.json, json.dumps(
            {"file": str(options.text), "outcomes": outcomes, "agree": False if failed else verdict(outcomes, apart),
             "error": failed and str(failed)}, indent=1) + "\n")
    return 1 if failed or apart else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
