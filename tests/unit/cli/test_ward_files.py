#!/usr/bin/env python3
"""Files that a command is given: a slip destroys none, and any name can be told.

Usage: test_ward_files.py WARD
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from ward_tool import ROOT, WARD, run

RECORDING = ROOT / "docs/guide/recordings/hang.rec"
TRACE = ROOT / "docs/guide/recordings/hang.trace"
NOTES = "what nobody else knows\n"


class FolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name, text=None):
        path = self.folder / name
        if text is not None:
            path.write_text(text)
        return path


class Timelines(FolderTest):
    def convert(self, trace, output, code=0):
        return run("trace", "convert", str(trace), "-o", str(output), code=code)[1]

    def test_a_trace_is_not_made_its_own_timeline(self):
        trace = self.path("run.log", TRACE.read_text())
        (self.folder / "link.log").symlink_to(trace)
        for output in (trace, self.folder / "link.log", self.folder / "." / "run.log"):
            self.assertIn("is the trace itself", self.convert(trace, output, code=1))
            self.assertEqual(trace.read_text(), TRACE.read_text())

    def test_what_is_no_trace_leaves_the_older_timeline(self):
        output = self.path("timeline.json")
        self.convert(TRACE, output)
        before = output.read_text()
        self.assertIn("traceEvents", json.loads(before))
        self.assertIn("trace=FILE", self.convert(self.path("notes.txt", NOTES), output, code=1))
        self.assertEqual(output.read_text(), before)
        out, _ = run("trace", "convert", str(self.folder / "notes.txt"), code=1)
        self.assertEqual(out, "")


class ServersFiles(FolderTest):
    def serve(self, *arguments, code):
        done = subprocess.run([WARD, "serve", "--socket", str(self.path("gpu.sock")), *arguments], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertFalse(self.path("gpu.sock").exists())
        return done.stderr

    def test_a_recording_takes_the_place_of_recordings_only(self):
        notes = self.path("notes.txt", NOTES)
        short = self.path("short.txt", "WARD")
        for path, text in ((notes, NOTES), (short, "WARD")):
            self.assertIn("name another one", self.serve("--record", str(path), code=1))
            self.assertEqual(path.read_text(), text)

    def test_two_files_are_not_one(self):
        files = {name: str(self.path(name)) for name in ("one", "two")}
        options = ("--trace", "--pcap", "--report", "--record")
        for first in options:
            for second in options:
                if first < second:
                    said = self.serve(first, files["one"], second, f"{self.folder}/./one", code=2)
                    self.assertIn("are one file", said)
        self.assertEqual(list(self.folder.iterdir()), [])


class Names(FolderTest):
    def test_a_name_may_be_any_bytes(self):
        name = os.fsencode(self.folder) + b"/\xfe.rec"
        pathlib.Path(os.fsdecode(name)).write_bytes(RECORDING.read_bytes())
        done = subprocess.run([WARD, "replay", name, "--until", "20", "--json"], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["file"].endswith("\ufffd.rec"))


if __name__ == "__main__":
    unittest.main()
