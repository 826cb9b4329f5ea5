#!/usr/bin/env python3
"""docs/guide/debugging-a-driver.md: its commands print what the page shows, and its recording can be made again.

Usage: test_debugging_guide.py WARD
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import unittest

from ward_tool import ROOT, WARD, run

sys.path.insert(0, str(ROOT / "tools"))
import guide_page  # noqa: E402

PAGE = ROOT / "docs/guide/debugging-a-driver.md"
RECORDINGS = ROOT / "docs/guide/recordings"
RECORDING = RECORDINGS / "hang.rec"
MAKE = RECORDINGS / "make.sh"
# docs/spec/recording.md, "Form": the version of the contract, and the digest of what is before it.
ABI_VERSION = slice(12, 16)
HEADER_DIGEST = slice(72, 88)
MEND = f"make it again, as {(RECORDINGS / 'README.md').relative_to(ROOT)} says"


def why_not_replayed(recording):
    """None, or what the page's reader has to do."""
    done = subprocess.run([WARD, "replay", str(recording)], capture_output=True, text=True, timeout=120)
    return None if done.returncode == 0 else f"{recording.name}: {done.stderr.strip()}\n{MEND}"


def look(recording, *commands):
    return run("replay", "-i", str(recording), text="\n".join(commands) + "\n")[0].splitlines()


class Page(unittest.TestCase):
    def test_each_command_prints_what_the_page_shows(self):
        if (why := why_not_replayed(RECORDING)) is not None:
            self.fail(why)
        steps = list(guide_page.read_steps(PAGE.read_text().splitlines()))
        self.assertGreaterEqual(len(steps), 10)
        with guide_page.Bash(pathlib.Path(WARD)) as bash:
            for step in steps:
                with self.subTest(line=step.begin, command=step.command):
                    self.assertNotEqual(step.shown, [])
                    self.assertEqual(bash.run(step.command), step.shown)

    def test_what_the_page_concludes_is_so(self):
        """The words between the blocks, as far as a file can bear them out."""
        capture = (RECORDINGS / "hang.trace").read_text()
        self.assertIn("hang queue=2 position=0x0", capture)
        self.assertNotIn("fence queue=1", capture)
        self.assertEqual(capture.count("register-write DOORBELL[1]"), 1)

    def test_its_files_are_small(self):
        self.assertLess(sum(file.stat().st_size for file in RECORDINGS.iterdir()), 200_000)

    def test_a_recording_of_another_version_says_what_to_do(self):
        data = bytearray(RECORDING.read_bytes())
        data[ABI_VERSION] = (int.from_bytes(data[ABI_VERSION], "little") + 1).to_bytes(4, "little")
        data[HEADER_DIGEST] = hashlib.sha256(data[:HEADER_DIGEST.start]).digest()[:16]
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "other.rec"
            other.write_bytes(data)
            why = why_not_replayed(other)
        self.assertIn("recorded by a device of ABI", why)
        self.assertIn(MEND, why)


class MadeAgain(unittest.TestCase):
    def test_it_shows_the_same_mistake(self):
        with tempfile.TemporaryDirectory() as name:
            subprocess.run([str(MAKE), WARD, name], check=True, timeout=600)
            folder = pathlib.Path(name)
            self.assertEqual({file.name for file in folder.iterdir()},
                             {"hang.rec", "hang.trace", "hang.pcapng", "hang.txt"})
            commands = ("break command WAIT", "run", "queues", "memory vram 0x10000 64")
            # Lines 0 and 1 say where: times and event numbers differ.
            self.assertEqual(look(folder / "hang.rec", *commands)[2:], look(RECORDING, *commands)[2:])


if __name__ == "__main__":
    unittest.main()
