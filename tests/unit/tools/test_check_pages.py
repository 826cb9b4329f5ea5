#!/usr/bin/env python3
"""tools/check_pages.py finds links, files and commands that are not there, and leaves what is right alone."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEV = """#!/bin/sh
cat <<'TEXT'
usage: ./dev COMMAND

  build [WORD]   build
  test           test
TEXT
"""
WELL = """# A page

[there](docs/other.md), [a heading](docs/other.md#what-it-s-for), [here](#a-page), ![picture](docs/picture.png) and
[elsewhere](https://example.org/none.md). `tools/tool.py --option` and `unit/case.cc` of the tests, `tools/NAME.py`,
`build/none/program`, `./dev build`.

```
./dev test     # [no link](none.md)
python3 tools/tool.py tools/...
```
"""


class Pages(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for name, text in {"dev": DEV, "README.md": WELL, "docs/other.md": "# Other\n\n## What `it` s for\n",
                           "docs/picture.png": "", "tools/tool.py": "", "tests/unit/case.cc": ""}.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)

    def run_check(self):
        done = subprocess.run([sys.executable, "-B", str(ROOT / "tools/check_pages.py"), str(self.root)],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_what_is_there_passes(self):
        self.assertEqual(self.run_check(), (0, "2 pages: links, files and commands are there\n"))

    def test_each_mistake_is_named_with_its_line(self):
        for text, said in {"[x](docs/none.md)": "the link docs/none.md leads to nothing",
                           "![x](docs/none.png)": "the link docs/none.png leads to nothing",
                           "[x](docs/other.md#none)": "the link docs/other.md#none leads to no heading of its page",
                           "[x](#none)": "the link #none leads to no heading of its page",
                           "`tools/none.py --x`": "tools/none.py is not there",
                           "```\nsh tools/none.sh\n```": "tools/none.sh is not there",
                           "`unit/none.cc`": "unit/none.cc is not there",
                           "`./dev paint`": "there is no command ./dev paint"}.items():
            with self.subTest(text):
                (self.root / "README.md").write_text(text + "\n")
                code, output = self.run_check()
                line = 2 if text.startswith("```") else 1
                self.assertEqual(code, 1)
                self.assertEqual(output.splitlines()[0], f"README.md:{line}: {said}")

    def test_a_change_log_may_name_what_was(self):
        (self.root / "CHANGELOG.md").write_text("`tools/none.py` is gone\n")
        self.assertEqual(self.run_check()[0], 0)


if __name__ == "__main__":
    unittest.main()
