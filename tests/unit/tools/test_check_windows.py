#!/usr/bin/env python3
"""The look at the Windows driver passes a library that exports OpenAdapter10_2 alone, and refuses
every other export and every import that is not on its list."""
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

    def judge(self, library):
        return subprocess.run(["bash", str(SCRIPT), str(library)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

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


if __name__ == "__main__":
    unittest.main()
