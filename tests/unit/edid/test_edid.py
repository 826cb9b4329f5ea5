#!/usr/bin/env python3
"""What our displays say about themselves: conforming by edid-decode, and true by a reading of our own.

Usage: test_edid.py WRITE_EDID
"""

import subprocess
import sys
import unittest

WRITE_EDID = sys.argv.pop()
# Standard modes of an output, docs/spec/display.md.
MODES = {(640, 360), (640, 480), (800, 600), (1024, 768), (1280, 720), (1920, 1080), (3840, 2160),
         (1280, 800), (1280, 1024), (1600, 900), (1920, 1200), (2560, 1440)}
PREFERRED = sorted(MODES - {(640, 360)}) + [(1366, 768), (1357, 811), (640, 2160), (3840, 480)]
ESTABLISHED = {(35, 0x20): (640, 480), (35, 0x01): (800, 600), (36, 0x08): (1024, 768)}
ASPECTS = [(16, 10), (4, 3), (5, 4), (16, 9)]


def make_edid(output, width, height):
    return subprocess.run([WRITE_EDID, str(output), str(width), str(height)], check=True,
                          stdout=subprocess.PIPE).stdout


def read_timing(descriptor):
    """(width, height), vertical rate in Hz and line rate in kHz of a detailed timing."""
    clock = int.from_bytes(descriptor[:2], "little") * 10000
    width, blank = descriptor[2] | descriptor[4] >> 4 << 8, descriptor[3] | (descriptor[4] & 15) << 8
    height, lines = descriptor[5] | descriptor[7] >> 4 << 8, descriptor[6] | (descriptor[7] & 15) << 8
    line_rate = clock / (width + blank)
    return (width, height), line_rate / (height + lines), line_rate / 1000, clock / 1e6


def detailed_timings(edid):
    places = [54 + 18 * i for i in range(4)]
    places += range(128 + edid[130], 128 + 127 - 18, 18)
    return [read_timing(edid[at:at + 18]) for at in places if edid[at:at + 2] != b"\0\0"]


def listed_sizes(edid):
    sizes = {size for (byte, bit), size in ESTABLISHED.items() if edid[byte] & bit}
    for at in range(38, 54, 2):
        if edid[at:at + 2] == b"\1\1":
            continue
        assert edid[at + 1] & 0x3f == 0, "60 Hz"
        width = (edid[at] + 31) * 8
        across, down = ASPECTS[edid[at + 1] >> 6]
        sizes.add((width, width * down // across))
    return sizes | {timing[0] for timing in detailed_timings(edid)}


class Edid(unittest.TestCase):
    def test_conforms_to_the_standards(self):
        for output in (0, 1):
            for size in PREFERRED:
                with self.subTest(output=output, size=size):
                    checked = subprocess.run(
                        ["edid-decode", "--check"], input=make_edid(output, *size),
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    text = checked.stdout.decode(errors="replace")
                    self.assertEqual(checked.returncode, 0, text)
                    self.assertIn("EDID conformity: PASS", text)
                    self.assertIn(f"DTD 1: {size[0]:5}x{size[1]}", text)
                    self.assertIn(f"Display Product Name: 'WardGPU {output}'", text)

    def test_damage_does_not_conform(self):
        edid = bytearray(make_edid(0, 1920, 1080))
        edid[60] ^= 1
        checked = subprocess.run(["edid-decode", "--check"], input=bytes(edid),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertNotEqual(checked.returncode, 0)

    def test_blocks_have_their_checksums(self):
        for size in PREFERRED:
            edid = make_edid(1, *size)
            self.assertEqual(len(edid), 256)
            self.assertEqual([sum(edid[:128]) % 256, sum(edid[128:]) % 256, edid[126]], [0, 0, 1])

    def test_preferred_size_comes_first_and_all_modes_are_listed(self):
        for size in PREFERRED:
            edid = make_edid(0, *size)
            with self.subTest(size=size):
                self.assertEqual(detailed_timings(edid)[0][0], size)
                self.assertEqual(listed_sizes(edid), MODES | {size})
                sizes = [timing[0] for timing in detailed_timings(edid)]
                self.assertEqual(len(sizes), len(set(sizes)))

    def test_timings_are_at_60_hz_and_within_the_ranges(self):
        for size in PREFERRED:
            edid = make_edid(0, *size)
            ranges = next(edid[at:at + 18] for at in range(54, 126, 18)
                          if edid[at:at + 4] == b"\0\0\0\xfd")
            for timing, rate, lines, clock in detailed_timings(edid):
                with self.subTest(size=size, timing=timing):
                    self.assertAlmostEqual(rate, 60, delta=0.02)
                    self.assertTrue(ranges[5] <= rate <= ranges[6])
                    self.assertTrue(ranges[7] <= lines <= ranges[8])
                    self.assertLessEqual(clock, ranges[9] * 10)

    def test_displays_of_the_outputs_can_be_told_apart(self):
        serials = set()
        for output in (0, 1):
            edid = make_edid(output, 1920, 1080)
            serials |= {edid[at + 5:at + 18] for at in range(54, 126, 18)
                        if edid[at:at + 4] == b"\0\0\0\xff"}
        self.assertEqual(len(serials), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
