"""Runs the `ward` program, and serves a chip to it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
WARD = sys.argv.pop()

sys.path.insert(0, str(ROOT / "tools"))
from vm.served import ServedGpu  # noqa: E402


def description(name):
    with open(ROOT / "abi" / name, "rb") as file:
        return tomllib.load(file)


def run(*arguments, code=0, text=""):
    """What it said on (standard output, standard error); its exit code is `code`."""
    done = subprocess.run([WARD, *arguments], input=text, capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        raise AssertionError(f"ward {' '.join(arguments)}: exit code {done.returncode}, not {code}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def run_json(*arguments, code=0, text=""):
    return json.loads(run(*arguments, "--json", code=code, text=text)[0])


class Served:
    """A chip that `ward serve` serves, as the address of its function."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        socket = os.path.join(self.folder.name, "gpu.sock")
        self.server = ServedGpu(pathlib.Path(WARD), ["--socket", socket],
                                pathlib.Path(self.folder.name) / "log")
        self.server.__enter__()
        self.socket = socket
        return f"vfio-user:{socket}"

    def __exit__(self, *trouble):
        self.server.__exit__(*trouble)
        self.folder.cleanup()
