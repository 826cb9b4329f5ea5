#!/usr/bin/env python3
"""The generator refuses what a contract may not have, and notices what differs."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
from abi import description  # noqa: E402

# (file, text that stands there, what it becomes, what the refusal has to say)
MISTAKES = [
    ("registers.toml", 'name = "ABI_VERSION", offset = 0x04', 'name = "ABI_VERSION", offset = 0x00',
     "overlaps"),
    ("registers.toml", '  { reserved = 0x60, size = 0xa0 },\n', '', "ends at"),
    ("registers.toml", '{ reserved = 0x08, size = 0xf8 }', '{ reserved = 0x0c, size = 0xf4 }',
     "neither named nor reserved"),
    ("registers.toml", 'bits = "31:16", summary = "Major', 'bits = "31:15", summary = "Major',
     "overlaps"),
    ("registers.toml", '    { reserved = "63:23" } ] },', '    { reserved = "63:24" } ] },',
     "neither named nor reserved"),
    ("registers.toml", 'summary = "Minor version."', 'summary = ""', "needs a `summary`"),
    ("registers.toml", 'name = "QUEUE_COUNT", offset = 0x10, access = "ro"',
     'name = "QUEUE_COUNT", offset = 0x10, access = "maybe"', "unknown access"),
    ("registers.toml", 'name = "SCRATCH", offset = 0x54, access = "rw", reset = 0,',
     'name = "SCRATCH", offset = 0x54, access = "rw", reset = 0x100000000,', "`reset`"),
    ("registers.toml", 'base = 0x0100', 'base = 0x0080', "overlaps"),
    ("registers.toml", 'name = "SCRATCH"', 'name = "KEY_EPOCH"', "used twice"),
    ("registers.toml", 'name = "DEVICE_MAGIC", offset = 0x00, access',
     'name = "DEVICE_MAGIC", colour = 1, offset = 0x00, access', "unknown key 'colour'"),
    ("commands.toml", "opcode = 0x0011", "opcode = 0x0010", "opcode 0x10 is used"),
    ("commands.toml", 'name = "value", offset = 8, type = "u64", summary = "Greater than the queue\'s last fence."',
     'name = "value", offset = 8, type = "u32", summary = "Greater than the queue\'s last fence."',
     "ends at"),
    ("commands.toml", 'name = "iv", offset = 32, type = "bytes", size = 16', 'name = "iv", offset = 32, type = "blob", size = 16',
     "unknown type"),
    ("commands.toml", 'name = "PATTERN", bit = 1', 'name = "PATTERN", bit = 0', "flag bit 0x0 is used"),
    ("commands.toml", 'size = 80\nsummary = "AES', 'size = 84\nsummary = "AES', "multiple of 16"),
    ("messages.toml", "number = 2\n", "number = 1\n", "number 0x1 is used"),
    ("messages.toml", "request_variable = true\ncaptured_tail = true", "captured_tail = true",
     "is for messages with `request_variable`"),
    ("pci.toml", 'name = "DEVICE_ID"\noffset = 0x02\nsize = 2', 'name = "DEVICE_ID"\noffset = 0x01\nsize = 2',
     "DEVICE_ID overlaps"),
    ("capture.toml", "number = 2\n", "number = 1\n", "number 0x1 is used"),
    ("status.toml", "code = 0x0102", "code = 0x0101", "code 0x101 is used"),
    ("status.toml", 'class = "fault"', 'class = "trouble"', "unknown class"),
    ("status.toml", 'hresult = "E_NOTIMPL"', 'hresult = "E_SOMETHING"', "unknown HRESULT"),
    ("private_data.toml", 'name = "size_bytes", offset = 8, type = "u64"',
     'name = "size_bytes", offset = 12, type = "u64"', "alignment"),
]


class Refusals(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name) / "abi"
        self.folder.mkdir()
        for path in (ROOT / "abi").glob("*.toml"):
            shutil.copy(path, self.folder)

    def test_the_contract_itself_is_accepted(self):
        self.assertTrue(description.load(self.folder).commands)

    def test_each_mistake_is_refused_with_its_reason(self):
        for file, before, after, reason in MISTAKES:
            with self.subTest(file=file, after=after):
                path = self.folder / file
                text = path.read_text()
                self.assertIn(before, text, "the test's anchor is gone from the description")
                path.write_text(text.replace(before, after, 1))
                with self.assertRaisesRegex(description.ContractError, re.escape(reason)):
                    description.load(self.folder)
                path.write_text(text)


class Check(unittest.TestCase):
    def run_check(self, root):
        return subprocess.run([sys.executable, "-B", ROOT / "tools/abi_generator.py", "--check", "--root", root],
                              capture_output=True, text=True)

    def test_a_changed_output_fails_and_names_file_and_command(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for part in ("abi", "docs/spec", "tests/fuzz"):
                shutil.copytree(ROOT / part, root / part)
            self.assertEqual(self.run_check(root).returncode, 0)
            header = root / "abi/generated/status.h"
            header.write_text(header.read_text().replace("kStatusOk", "kStatusFine", 1))
            result = self.run_check(root)
            self.assertEqual(result.returncode, 1)
            self.assertIn("abi/generated/status.h", result.stderr)
            self.assertIn("python3 tools/abi_generator.py", result.stderr)


if __name__ == "__main__":
    unittest.main()
