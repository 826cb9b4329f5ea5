#!/usr/bin/env python3
"""OSS-Fuzz's build script leaves what OSS-Fuzz wants, with a made-up cmake; and what tries it notices what is missing."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/fuzz"))
import try_oss_fuzz  # noqa: E402
from targets import read_targets  # noqa: E402

# Configures by writing its words down, and builds copies of a program that says what libFuzzer does.
CMAKE = """#!/bin/sh
printf '%s\\n' "$@" >>"$WORK/words"
if [ "$1" = --build ]; then
  mkdir -p "$2/tests/fuzz"
  for name in {names}; do cp "$WORK/program" "$2/tests/fuzz/${{name}}_fuzz"; done
fi
"""
PROGRAM = """
#include <cstdio>
int main(int, char** words) { fprintf(stderr, "Done %s runs in 0 second(s)\\n", words[1] + 6); }
"""
FALLS = "int main() { return 77; }"


class Script(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        for name, text in {"well": PROGRAM, "falls": FALLS}.items():
            subprocess.run(["c++", "-x", "c++", "-o", str(cls.folder / name), "-"], input=text, text=True, check=True)

    def setUp(self):
        self.targets = read_targets()
        scratch = tempfile.TemporaryDirectory(dir=self.folder)
        self.addCleanup(scratch.cleanup)
        self.here = pathlib.Path(scratch.name)
        self.out, self.work = self.here / "out", self.here / "work"
        for path in (self.out, self.work, self.here / "bin"):
            path.mkdir()
        fake = self.here / "bin/cmake"
        fake.write_text(CMAKE.format(names=" ".join(self.targets)))
        fake.chmod(0o755)

    def build(self, program="well", script="packaging/oss-fuzz/build.sh"):
        (self.work / "program").write_bytes((self.folder / program).read_bytes())
        (self.work / "program").chmod(0o755)
        subprocess.run(["bash", script], cwd=ROOT, check=True, capture_output=True, env=os.environ | {
            "PATH": f"{self.here}/bin:{os.environ['PATH']}", "OUT": str(self.out), "WORK": str(self.work),
            "SRC": str(self.here), "CC": "cc-of-theirs", "CXX": "cxx-of-theirs", "CFLAGS": "-O1 -fsanitize=address",
            "CXXFLAGS": "-O1 -fsanitize=address -stdlib=libc++", "LIB_FUZZING_ENGINE": "/of/theirs.a"})

    def mistakes(self, name):
        return try_oss_fuzz.run(self.targets[name], self.out, self.here)

    def test_each_target_comes_with_inputs_options_and_dictionary(self):
        self.build()
        for name, target in self.targets.items():
            with self.subTest(name):
                self.assertEqual(self.mistakes(name), [])
                with zipfile.ZipFile(self.out / f"{target.program}_seed_corpus.zip") as inputs:
                    self.assertEqual(sorted(inputs.namelist()),
                                     sorted(path.name for path in target.corpus().iterdir()))
                self.assertEqual((self.out / f"{target.program}.dict").exists(), bool(target.dictionary))

    def test_flags_are_theirs_alone(self):
        self.build()
        words = (self.work / "words").read_text().splitlines()
        self.assertIn("-DCMAKE_CXX_COMPILER=cxx-of-theirs", words)
        self.assertIn("-DCMAKE_C_FLAGS=-O1 -fsanitize=address", words)
        self.assertIn("-DWARD_FUZZ_ENGINE=/of/theirs.a", words)
        self.assertIn("-DWARD_FUZZ_INSTRUMENTATION=", words)
        self.assertIn("-DWARD_SANITIZE=OFF", words)

    def test_cluster_fuzz_lite_builds_the_same(self):
        self.build(script=".clusterfuzzlite/build.sh")
        self.assertEqual(self.mistakes("device"), [])

    def test_what_is_missing_or_falls_is_noticed(self):
        self.assertEqual(self.mistakes("driver"), ["it was not built"])
        self.build()
        (self.out / "device_fuzz.dict").unlink()
        self.assertIn("its options name device_fuzz.dict, which is not there", self.mistakes("device"))
        (self.out / "firmware_fuzz_seed_corpus.zip").unlink()
        self.assertRegex(self.mistakes("firmware")[0], "^its first inputs: .*No such file")
        self.build("falls")
        self.assertRegex(self.mistakes("recording")[0], "^it fell with exit code 77")


if __name__ == "__main__":
    unittest.main()
