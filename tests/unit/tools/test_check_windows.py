#!/usr/bin/env python3
"""The look at the Windows driver passes a library that exports OpenAdapter10_2 alone, and refuses
every other export and every import that is not on its list."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "tools" / "check_windows.sh"
COMPILER = "x86_64-w64-mingw32-g++-posix"

SOURCE = '''#include <windows.h>
extern "C" int OpenAdapter10_2(void*) { return static_cast<int>(GetTickCount()); }
extern "C" int OpenAdapter10() { return 0; }
'''

GOOD = "EXPORTS\n  OpenAdapter10_2\n"
REFUSED = {
    "a second export": ("EXPORTS\n  OpenAdapter10_2\n  OpenAdapter10\n",
                        "exports OpenAdapter10 OpenAdapter10_2 instead of OpenAdapter10_2 alone"),
    "another export": ("EXPORTS\n  OpenAdapter10\n", "exports OpenAdapter10 instead of"),
    "a decorated export": ("EXPORTS\n  _OpenAdapter10_2@8=OpenAdapter10_2\n",
                           "exports _OpenAdapter10_2@8 instead of"),
    "a second export without a name": ("EXPORTS\n  OpenAdapter10_2\n  OpenAdapter10 @2 NONAME\n",
                                       "exports OpenAdapter10_2 (ordinal only) instead of"),
}

# How newer binutils write it: more columns, and a heading over the names.
NEW_FORMAT = """
The Import Tables (interpreted .idata section contents)
 vma:            Hint    Time      Forward  DLL       First
                 Table   Stamp     Chain    Name      Thunk
 00009000\t00009040 00000000 00000000 00009500 00009200

\tDLL Name: KERNEL32.dll
\tvma:     Ordinal  Hint  Member-Name  Bound-To
\t00009200  <none>  0308  GetTickCount

 00009014\t00000000 00000000 00000000 00000000 00000000

There is an export table in .edata at 0x2a8e8a000

Number in:
\tExport Address Table \t\t00000002
\t[Name Pointer/Ordinal] Table\t00000002
Table Addresses
\tExport Address Table \t\t0000000000008028
\tName Pointer Table \t\t0000000000008030

Export Address Table -- Ordinal Base 1
\t          Ordinal  Address  Type
\t[   0] +base[   1] 00001370 Export RVA
\t[   1] +base[   2] 00001380 Export RVA

[Ordinal/Name Pointer] Table -- Ordinal Base 1
\t          Ordinal   Hint Name
\t[   0] +base[   1]  0000 OpenAdapter10
\t[   1] +base[   2]  0001 OpenAdapter10_2

The Function Table (interpreted .pdata section contents)
"""


@unittest.skipUnless(shutil.which(COMPILER), f"{COMPILER} is missing")
class CheckWindowsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def build(self, definition, source=SOURCE):
        """Links a small library with the exports of `definition`."""
        (self.folder / "driver.cc").write_text(source, encoding="utf-8")
        (self.folder / "driver.def").write_text(definition, encoding="utf-8")
        command = [COMPILER, "-shared", "-static", "-ffunction-sections", "-Wl,--gc-sections",
                   "-o", "driver.dll", "driver.cc", "driver.def"]
        subprocess.run(command, cwd=self.folder, check=True)
        return self.folder / "driver.dll"

    def judge(self, library, environment=None):
        return subprocess.run(["bash", str(SCRIPT), str(library)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, env=environment)

    def test_the_one_export_passes_and_exports_and_imports_are_listed(self):
        result = self.judge(self.build(GOOD))
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("exports of driver.dll:\nOpenAdapter10_2\nimports of", result.stdout)
        self.assertIn("\nKERNEL32.dll GetTickCount\n", result.stdout)
        self.assertTrue(result.stdout.endswith(
            "driver.dll: exports OpenAdapter10_2 alone, imports from kernel32.dll msvcrt.dll\n"))

    def test_every_other_list_of_exports_is_refused(self):
        for what, (definition, message) in REFUSED.items():
            with self.subTest(what):
                result = self.judge(self.build(definition))
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn(message, result.stdout.splitlines()[-1])

    def test_a_library_without_exports_is_refused(self):
        program = self.folder / "driver.exe"
        (self.folder / "main.cc").write_text("int main() { return 0; }\n", encoding="utf-8")
        subprocess.run([COMPILER, "-static", "-o", program, self.folder / "main.cc"], check=True)
        result = self.judge(program)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("exports nothing instead of", result.stdout.splitlines()[-1])

    def test_an_import_from_a_library_that_is_not_on_the_list_is_refused(self):
        source = SOURCE.replace("GetTickCount()", "MessageBeep(0)")
        result = self.judge(self.build(GOOD, source))
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("imports from user32.dll, which is not on the list",
                      result.stdout.splitlines()[-1])
        self.assertIn("\nUSER32.dll MessageBeep\n", result.stdout)

    def test_a_file_that_is_no_library_is_refused_with_what_mends_it(self):
        text = self.folder / "ward_umd.dll"
        text.write_text("no library\n", encoding="utf-8")
        for path in (text, self.folder / "absent.dll"):
            with self.subTest(path.name):
                result = self.judge(path)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn("./dev check windows", result.stdout.splitlines()[-1])

    def judge_text(self, text):
        """What is said of a library that objdump describes by `text`."""
        objdump = self.folder / "x86_64-w64-mingw32-objdump"
        (self.folder / "text").write_text(text, encoding="utf-8")
        objdump.write_text(f"#!/bin/sh\ncat '{self.folder}/text'\n", encoding="utf-8")
        objdump.chmod(0o755)
        environment = dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}")
        return self.judge(self.folder / "driver.dll", environment)

    def test_the_format_of_newer_binutils_is_read_too(self):
        result = self.judge_text(NEW_FORMAT)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("\nKERNEL32.dll GetTickCount\n", result.stdout)
        self.assertIn("exports OpenAdapter10 OpenAdapter10_2 instead of", result.stdout)
        one_name = NEW_FORMAT.replace("00000002", "00000001").replace(
            "\t[   0] +base[   1]  0000 OpenAdapter10\n", "")
        result = self.judge_text(one_name)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_a_description_without_imports_is_refused(self):
        result = self.judge_text(NEW_FORMAT.replace("DLL Name", "Library"))
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("has no import that this script can read", result.stdout.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
