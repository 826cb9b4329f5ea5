#!/usr/bin/env python3
"""A command line that `ward` does not understand: what is wrong, of which command, and the help to ask for.

Usage: test_ward_usage.py WARD
"""

import unittest

from ward_tool import description, run

BAR_END = 0x4000000  # of visible VRAM, as a chip of the tool's own has it


class Usage(unittest.TestCase):
    def refuse(self, arguments, *parts, code=2):
        with self.subTest(arguments):
            said, complained = run(*arguments, code=code)
            self.assertEqual(said, "")
            self.assertTrue(complained.startswith("ward: "), complained)
            self.assertEqual(complained.count("\n"), 1, complained)
            for part in parts:
                self.assertIn(part, complained)
            for theirs in ("subcommand", "not expected", "Run with --help", "unit not recognized", "not in range",
                           "Could not convert"):
                self.assertNotIn(theirs, complained)

    def test_commands_that_are_unknown_or_missing(self):
        self.refuse(["bogus"], '`ward` has no command "bogus"; see `ward --help`')
        self.refuse(["pek", "SCRATCH"], '"pek" (did you mean peek?); see `ward --help`')
        self.refuse(["bogus", "--json"], '`ward` has no command "bogus"')
        self.refuse(["bogus", "peek"], '`ward` has no command "bogus"')
        self.refuse(["dma", "raed", "0", "16"], '`ward dma` has no command "raed" (did you mean read?)',
                    "see `ward dma --help`")
        self.refuse(["identity", "creat"], "(did you mean create?)", "see `ward identity --help`")
        self.refuse([], "`ward` needs a command: info, regs, peek,", "see `ward --help`")
        self.refuse(["dma"], "`ward dma` needs a command: write, read, fill; see `ward dma --help`")

    def test_what_a_command_has_no_place_for(self):
        self.refuse(["--verson"], '`ward` has no option "--verson" (did you mean --version?); see `ward --help`')
        self.refuse(["peek", "SCRATCH", "--cuont=3"], '`ward peek` has no option "--cuont" (did you mean --count?)',
                    "see `ward peek --help`")
        self.refuse(["dma", "read", "0", "16", "7"], '`ward dma read` takes nothing more, and "7" was given',
                    "see `ward dma read --help`")
        self.refuse(["version", "\x1b[2J"], '"\\x1b[2J"')  # nothing for a terminal to obey

    def test_values_that_can_not_be(self):
        self.refuse(["peek"], "`ward peek`: PLACE is required; see `ward peek --help`")
        self.refuse(["peek", "SCRATCH", "-n", "0"], "`ward peek`: --count: 0 is not from 1 to ")
        self.refuse(["dma", "read", "0", "65M"], "SIZE: 68157440 is not from 1 to 67108864")
        self.refuse(["dma", "fill", "0", "4", "0x1ffffffff"], "VALUE: 0x1ffffffff is no number that it takes")
        self.refuse(["dma", "write", "0"], "BYTES or --file is required", "see `ward dma write --help`")
        self.refuse(["serve", "--latency", "slow"], "--latency: slow is none of fast, realistic")

    def test_ranges_beyond_visible_vram_say_what_would_do(self):
        registers = {r["name"]: r for b in description("registers.toml")["block"] for r in b["register"] if "name" in r}
        self.assertIn("VISIBLE_VRAM_SIZE", registers)
        self.assertIn(f"{BAR_END:#x}", run("peek", "VISIBLE_VRAM_SIZE")[0])
        self.refuse(["dma", "read", "0xffffffffffffffff", "16"],
                    f"0xffffffffffffffff and 16 bytes do not lie in visible VRAM, which ends at {BAR_END:#x}: "
                    f"give an OFFSET up to {BAR_END - 16:#x}\n", code=1)
        self.refuse(["dma", "fill", f"{BAR_END - 8:#x}", "0x10", "0"], f"give an OFFSET up to {BAR_END - 16:#x}\n", code=1)
        run("dma", "fill", f"{BAR_END - 16:#x}", "16", "0")
        run("dma", "read", f"{BAR_END - 16:#x}", "16")


class Sizes(unittest.TestCase):
    def first_line(self, offset, size):
        return run("dma", "read", offset, size)[0].split("\n")[0]

    def test_numbers_and_units(self):
        """The dump begins with the offset, and has 16 bytes a line."""
        for text, offset in (("255", 0xff), ("0xff", 0xff), ("0xFE", 0xfe), ("0xab_cdef", 0xabcdef), ("0x1b", 0x1b),
                             ("64K", 0x10000), ("64kib", 0x10000), ("1m", 0x100000), ("2 MiB", 0x200000),
                             ("0x10K", 0x4000), ("7b", 7), ("010", 10)):
            with self.subTest(text):
                self.assertTrue(self.first_line(text, "1").startswith(f"{offset:010x}  00 "))
        self.assertEqual(len(run("dma", "read", "0", "0xff")[0].splitlines()), 16)

    def test_what_is_no_size(self):
        for text in ("", "much", "K", "0x", "-1", "1.5M", "7Q", "1KK", "1 K B", "16E", "18446744073709551616",
                     "0xffffffffffffffff0", "0x1_0000_0000_0000_0000"):
            with self.subTest(text):
                said = run("dma", "read", text, "16", code=2)[1]
                self.assertIn(f'OFFSET: "{text}" is no number of bytes below 16E: give for example 4096, 0x1000, 64K',
                              said)
                self.assertIn("see `ward dma read --help`", said)
        self.assertIn("do not lie in visible VRAM", run("dma", "read", "15E", "16", code=1)[1])


if __name__ == "__main__":
    unittest.main()
