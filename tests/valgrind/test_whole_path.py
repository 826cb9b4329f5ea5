"""The whole path of protected content under memcheck: no error, and nothing that is definitely lost.

The application, runtime, user-mode driver, kernel core and chip are one process: sessions, key exchange, decryption,
presents, read-back, hardware DRM, OPM, decoders, losses and refusals of the integration suite.

Run: python3 tests/valgrind/test_whole_path.py --build-dir build/release
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOUND = 9  # the exit code of memcheck that found something
CASES = re.compile(r"All tests passed \((\d+) assertions? in (\d+) test cases?\)")


def run(program: Path, words: list, environment: dict) -> subprocess.CompletedProcess:
    return subprocess.run([*words, str(program)], env=environment, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")


def main(build_dir: Path) -> int:
    program = build_dir / "tests/valgrind/ward_whole_path"
    valgrind = shutil.which("valgrind")
    if valgrind is None or not program.exists():
        print(f"{'valgrind' if valgrind is None else program} is missing; mend it with: ./dev setup && ./dev test valgrind")
        return 1
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ward-valgrind-") as folder:
        environment = os.environ | {"WARD_TEST_IDENTITY": str(Path(folder) / "identity"), "TMPDIR": folder}
        # Makes the identity: three RSA keys, which memcheck need not watch.
        plain = run(program, [], environment)
        if plain.returncode != 0:
            print(plain.stdout, "the cases fail without memcheck, too", sep="\n")
            return 1
        watched = run(program, [valgrind, "--tool=memcheck", "--leak-check=full", "--show-leak-kinds=definite",
                                "--errors-for-leak-kinds=definite", f"--error-exitcode={FOUND}",
                                "--num-callers=30"], environment)
    passed, errors = CASES.search(watched.stdout), re.search(r"ERROR SUMMARY: (\d+) errors", watched.stdout)
    if watched.returncode != 0 or passed is None or errors is None or errors[1] != "0":
        print(watched.stdout)
        print("memcheck found something" if watched.returncode == FOUND else
              f"the cases failed under memcheck, exit code {watched.returncode}")
        return 1
    print(f"memcheck: {passed[2]} cases, {passed[1]} assertions, 0 errors, nothing lost, "
          f"{time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, required=True)
    sys.exit(main(parser.parse_args().build_dir.resolve()))
