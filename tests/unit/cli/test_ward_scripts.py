#!/usr/bin/env python3
"""Bring-up scripts: the guide's run everywhere, mistakes have their place, failures their register.

Usage: test_ward_scripts.py WARD
"""

import unittest

from ward_tool import ROOT, Served, run, run_json

SCRIPTS = sorted((ROOT / "docs/guide/scripts").glob("*.ward"))


class GuideScripts(unittest.TestCase):
    def test_they_pass_in_process(self):
        self.assertGreaterEqual(len(SCRIPTS), 3)
        for script in SCRIPTS:
            with self.subTest(script.name):
                self.assertTrue(run_json("script", str(script))["passed"])

    def test_they_pass_over_a_server(self):
        with Served() as where:
            for script in SCRIPTS:
                with self.subTest(script.name):
                    result = run_json("script", str(script), "-f", where)
                    self.assertEqual((result["passed"], result["done"]), (True, result["steps"]))

    def test_their_expectations_can_fail(self):
        """Each comparison, changed, is found out at its line."""
        changed = 0
        text = (ROOT / "docs/guide/scripts/first-fill.ward").read_text().splitlines()
        for number, line in enumerate(text):
            statement = line.split("#")[0].rstrip()
            if statement.startswith("expect "):
                wrong = statement + "1"
            elif statement.startswith(("vram expect ", "dma expect ")):
                wrong = statement[:-1] + ("0" if statement[-1] != "0" else "1")
            else:
                continue
            changed += 1
            whole = "\n".join([*text[:number], wrong, *text[number + 1:]])
            result = run_json("script", "-", code=1, text=whole)
            self.assertEqual(result["failure"]["line"], number + 1)
        self.assertGreaterEqual(changed, 5)


# (line, column, what is there, what was expected)
MISTAKES = [
    ("pok SCRATCH = 1", 1, '"pok"', "did you mean poke?"),
    ("poke SCRTCH = 1", 6, '"SCRTCH"', "did you mean SCRATCH?"),
    ("poke SCRATCH 1", 14, '"1"', "="),
    ("poke SCRATCH = one", 16, '"one"', "a number up to 0xffffffff"),
    ("poke QUEUE_PRIORITY[0].PRIORITY = 4", 35, '"4"', "up to 0x3"),
    ("expect QUEUE_STATUS == 1", 21, '"=="', "a number from 0 to 15 in brackets"),
    ("expect QUEUE_STATUS[16] == 1", 21, '"16"', "a number from 0 to 15"),
    ("expect QUEUE_STATUS[1].STAT == 1", 24, '"STAT"', "STATE, HUNG"),
    ("expect SCRATCH = 1", 16, '"="', "== or !="),
    ("expect SCRATCH ==", 18, "the end", "a number"),
    ("expect 0x3 == 1", 8, '"0x3"', "a multiple of 4"),
    ("expect SCRATCH == 1 and more", 21, '"and"', "the end of the line"),
    ("wait-for SCRATCH == 1", 22, "the end", "within"),
    ("wait-for SCRATCH == 1 within 5", 30, '"5"', "100ms or 2s"),
    ("ring FIL value=1", 6, '"FIL"', "did you mean FILL?"),
    ("ring FILL destnation=1", 11, '"destnation"', "did you mean destination?"),
    ("ring FILL value=0x100000000", 17, '"0x100000000"', "a number of 32 bits"),
    ("ring FENCE INTERUPT value=1", 12, '"INTERUPT"', "did you mean INTERRUPT?"),
    ("ring FENCE value=1 faults NOTHING", 27, '"NOTHING"', "the name of a status"),
    ("vram write 0x10 0g", 17, '"0g"', "bytes in hexadecimal"),
    ("vram wipe 0x10", 6, '"wipe"', "write or expect"),
    ("dma write 0x100000 00", 11, '"0x100000"', "an offset in the buffer"),
    ("config expect VENDR_ID == 1", 15, '"VENDR_ID"', "did you mean VENDOR_ID?"),
    ("config write 0x41/4 = 1", 14, '"0x41/4"', "divides the offset"),
    ("config write COMMAND = 0x10000", 24, '"0x10000"', "a number of 16 bits"),
    ('print "no end', 7, '"', "or a register"),
    ("reset now", 7, '"now"', "the end of the line"),
]


class Mistakes(unittest.TestCase):
    def test_every_mistake_is_told_with_its_place(self):
        """All of them, not only the first; remarks and empty lines count as lines."""
        lines = ["# a remark", ""] + [line for line, *_ in MISTAKES]
        told = run_json("script", "--check", "-", code=2, text="\n".join(lines))["mistakes"]
        self.assertEqual(len(told), len(MISTAKES))
        for number, ((line, column, found, expected), mistake) in enumerate(zip(MISTAKES, told)):
            with self.subTest(line):
                self.assertEqual((mistake["line"], mistake["column"]), (number + 3, column))
                self.assertIn(found, mistake["found"])
                self.assertIn(expected, mistake["expected"])

    def test_nothing_is_done_when_there_is_one(self):
        with Served() as where:
            run("script", "-", "-f", where, code=2, text='print "done"\nexpct SCRATCH == 0\n')
            out, _ = run("script", "-", "-f", where, text='print "done"\n')
            self.assertIn("done", out)

    def test_what_people_get_is_a_line(self):
        _, said = run("script", "-", code=2, text="poke \x1b[2J = 1\nexpect " + "x" * 1_000_000 + " == 1\n")
        self.assertNotIn("\x1b", said)
        self.assertIn('found "\\x1b"', said)
        self.assertIn('found "' + "x" * 60 + '"...', said)
        self.assertLess(len(said), 1000)

    def test_people_get_file_line_and_column(self):
        _, said = run("script", "-", code=2, text="reset\n  pok SCRATCH = 1\n")
        self.assertTrue(said.startswith('-:2:3: found "pok", expected a statement'), said)


class Failures(unittest.TestCase):
    def test_a_failing_expect_tells_the_register_and_its_fields(self):
        _, said = run("script", "-", code=1, text="expect QUEUE_STATUS[3].STATE == 1\nprint \"on\"\n")
        self.assertIn("-:1: expect QUEUE_STATUS[3].STATE == 1: it is 0x0", said)
        self.assertIn("0 disabled, 1 idle", said)

    def test_a_wait_that_is_in_vain_ends(self):
        _, said = run("script", "-", code=1, text="wait-for SCRATCH == 1 within 20ms\n")
        self.assertIn("after 20 ms", said)

    def test_a_fault_that_was_not_foreseen_is_named(self):
        _, said = run("script", "-", code=1, text="ring NOOP opcode=0x7777\n")
        self.assertIn("OPCODE_UNKNOWN", said)

    def test_a_fault_that_does_not_come_is_a_failure(self):
        run("script", "-", code=1, text="ring FENCE value=1 faults OPCODE_UNKNOWN\n")

    def test_a_file_that_is_not_there(self):
        self.assertIn("can't be read: No such file", run("script", "/nowhere.ward", code=1)[1])

    def test_what_is_no_address_of_a_function(self):
        for where in ("bogus", "0000:00:05.9", "00:05.0", "0000:00:05", "gggg:00:05.0", ""):
            self.assertIn("no address of a function; give \"0000:00:05.0\"",
                          run("peek", "SCRATCH", "-f", where, code=1)[1])

    def test_what_is_no_file_of_text(self):
        self.assertIn("/tmp can't be read: Is a directory", run("script", "/tmp", code=1)[1])
        self.assertIn("has more than", run("script", "--check", "/dev/zero", code=1)[1])
        self.assertIn("/tmp can't be read: Is a directory", run("dma", "write", "0", "--file", "/tmp", code=2)[1])
        self.assertIn("/dev/null is empty", run("dma", "write", "0", "--file", "/dev/null", code=2)[1])
        self.assertIn("has more than", run("dma", "write", "0", "--file", "/dev/zero", code=2)[1])


if __name__ == "__main__":
    unittest.main()
