#!/usr/bin/env python3
"""tools/dev/other_objects.py: what the check of clang's warnings compiles beside the release build."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/dev"))
import other_objects as tool  # noqa: E402


def compilations(*lines):
    return tool.read_compilations("\n".join(lines))


def command(source, flags="-Wall -Wconversion"):
    return f"/usr/bin/clang++ -DWARD_SOURCE_DIR=\\\"/x\\\" {flags} -Wl,-z -MD -MT a.o -MF a.o.d -o of/{source}.o -c /{source}.cc"


class OtherObjects(unittest.TestCase):
    def left(self, here, there):
        return tool.other_objects(compilations(command("a", here)), compilations(*there))

    def test_commands_that_compile_are_read_and_no_others(self):
        read = compilations(command("a"), "clang++ a.o -o program", "ar qc lib.a a.o")
        self.assertEqual([(each.output, each.source) for each in read], [("of/a.o", "/a.cc")])
        self.assertEqual(read[0].flags, {"-Wall", "-Wconversion"})

    def test_a_source_that_is_compiled_elsewhere_is_left_out(self):
        self.assertEqual(self.left("-Wall", [command("a", "-Wall -Wextra")]), [])

    def test_a_source_that_is_not_stays(self):
        self.assertEqual(self.left("-Wall", [command("b", "-Wall")]), ["of/a.o"])

    def test_a_warning_that_lacks_elsewhere_is_wanted(self):
        self.assertEqual(self.left("-Wall -Wshadow", [command("a", "-Wall")]), ["of/a.o"])

    def test_a_warning_that_is_left_out_elsewhere_is_wanted(self):
        self.assertEqual(self.left("-Wall", [command("a", "-Wall -Wno-conversion")]), ["of/a.o"])
        self.assertEqual(self.left("-Wall -Wno-conversion", [command("a", "-Wall -Wno-conversion")]), [])

    def test_other_code_by_a_switch_is_wanted(self):
        self.assertEqual(self.left("-Wall -DWARD_MUTANTS", [command("a", "-Wall")]), ["of/a.o"])
        self.assertEqual(self.left("-Wall -DWARD_X=1 -DFMT_SHARED", [command("a", "-Wall")]), [])

    def test_one_that_is_strict_enough_will_do(self):
        there = [command("a", "-Wno-shadow"), command("a", "-Wall -Wshadow"), command("a", "-w")]
        self.assertEqual(self.left("-Wall -Wshadow", there), [])

    def test_a_folder_that_is_no_build_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([sys.executable, "-B", str(ROOT / "tools/dev/other_objects.py"), folder, folder],
                                    capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn(folder, result.stderr)


if __name__ == "__main__":
    unittest.main()
