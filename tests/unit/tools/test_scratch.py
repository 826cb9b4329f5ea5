#!/usr/bin/env python3
"""A scratch folder goes with its owner, or with the next one when the owner was killed."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / "tools"
sys.path.insert(0, str(TOOLS))
from vm.scratch import ScratchFolder  # noqa: E402

OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from vm.scratch import ScratchFolder
folder = ScratchFolder("ward-test-")
(folder.path / "secret").write_text("plain")
print(folder.path, flush=True)
time.sleep(600)
"""


class ScratchFolderTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        before, tempfile.tempdir = tempfile.tempdir, scratch.name
        self.addCleanup(setattr, tempfile, "tempdir", before)
        self.folder = pathlib.Path(scratch.name)

    def test_folder_is_private_and_goes_with_its_owner(self):
        with ScratchFolder("ward-test-") as path:
            (path / "file").write_text("text")
            self.assertEqual(path.stat().st_mode & 0o777, 0o700)
            self.assertEqual(list(self.folder.iterdir()), [path])
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_folder_of_a_living_owner_stays_and_of_a_killed_one_goes(self):
        with subprocess.Popen([sys.executable, "-B", "-c", OWNER, str(TOOLS)], text=True,
                              stdout=subprocess.PIPE, env={"TMPDIR": str(self.folder)}) as owner:
            left = pathlib.Path(owner.stdout.readline().strip())
            self.assertEqual(left.parent, self.folder)
            with ScratchFolder("ward-test-"):
                self.assertTrue((left / "secret").exists())
            owner.kill()
        self.assertTrue((left / "secret").exists())
        with ScratchFolder("ward-test-") as path:
            self.assertEqual(list(self.folder.iterdir()), [path])

    def test_folders_of_others_stay(self):
        target = self.folder / "elsewhere"
        target.mkdir()
        (target / "file").write_text("text")
        (self.folder / "ward-test-link").symlink_to(target)
        (self.folder / "ward-test-file").write_text("text")
        (self.folder / "ward-other-abc").mkdir()
        with ScratchFolder("ward-test-"):
            pass
        self.assertEqual({path.name for path in self.folder.iterdir()},
                         {"elsewhere", "ward-test-link", "ward-test-file", "ward-other-abc"})
        self.assertTrue((target / "file").exists())


if __name__ == "__main__":
    unittest.main()
