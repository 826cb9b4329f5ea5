#!/usr/bin/env python3
"""The demo's clip, its encryption and the player's disks, against the tools of others."""
import contextlib
import io
import json
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
from demo import clip, demo, encryption, job, picture, playback  # noqa: E402
from demo.error import DemoError  # noqa: E402
from demo.story import Story  # noqa: E402

FRAME = 640 * 360 * 3 // 2
STRIDE = 348160  # FRAME in whole blocks of 4096 bytes
CPU_VIEW = 640 * 360 * 4


class DemoDisksTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.clip = clip.make(None, 2, self.folder / "clip")

    def decrypt(self, key, data):
        words = ["openssl", "enc", "-d", "-aes-128-ctr", "-K", key.key.hex(), "-iv",
                 key.counter.hex()]
        return subprocess.run(words, input=data, capture_output=True, check=True).stdout

    def test_clip_has_whole_frames_that_differ(self):
        data = self.clip.path.read_bytes()
        self.assertEqual((self.clip.frames, len(data)), (2, 2 * FRAME))
        self.assertNotEqual(data[:FRAME], data[FRAME:])

    def test_file_without_pictures_is_refused_with_ffmpegs_reason(self):
        for content in (b"", b"text\n" * 50):
            path = self.folder / "text.mp4"
            path.write_bytes(content)
            with self.assertRaisesRegex(DemoError, f"{path} is no clip .*: Invalid data found"):
                clip.make(path, 2, self.folder / "other")

    def test_folder_is_no_clip(self):
        with self.assertRaisesRegex(DemoError, "is not a file"):
            clip.make(self.folder, 2, self.folder / "other")

    def test_ciphertext_is_what_openssl_decrypts_with_the_key_and_counter(self):
        key = encryption.encrypt(self.clip.path, self.folder / "encrypted")
        data = (self.folder / "encrypted").read_bytes()
        self.assertNotEqual(data, self.clip.path.read_bytes())
        self.assertEqual(self.decrypt(key, data), self.clip.path.read_bytes())

    def test_keys_are_fresh_and_not_printed(self):
        first, second = (encryption.encrypt(self.clip.path, self.folder / "encrypted")
                         for _ in range(2))
        self.assertNotEqual(first.key, second.key)
        self.assertNotIn(repr(first.key), f"{first} {first!r}")
        self.assertNotIn(first.key.hex(), f"{first} {first!r}")

    def test_job_holds_header_root_and_frames_in_blocks(self):
        root = self.folder / "root.pem"
        root.write_bytes(b"r" * 4097)
        key = encryption.encrypt(self.clip.path, self.folder / "encrypted")
        path = self.folder / "job"
        job.write_job(path, self.folder / "encrypted", self.clip, key, root)
        data = path.read_bytes()
        header = json.loads(data[:4096].rstrip(b"\0"))
        self.assertEqual(header, {
            "format": "ward-job-1", "width": 640, "height": 360, "frames": 2, "pitch": 640,
            "frame_bytes": FRAME, "iv": key.counter.hex(), "content_key": key.key.hex(),
            "color_matrix": "bt601", "root_bytes": 4097})
        self.assertEqual(data[4096:3 * 4096], b"r" * 4097 + bytes(4095))
        frames = data[3 * 4096:]
        self.assertEqual(len(frames), 2 * STRIDE)
        plain = self.decrypt(key, frames[:FRAME] + frames[STRIDE:STRIDE + FRAME])
        self.assertEqual(plain, self.clip.path.read_bytes())
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_output_is_compared_byte_by_byte(self):
        path = self.folder / "output"
        job.make_output(path, self.clip)
        self.assertEqual(path.stat().st_size, 2 * STRIDE + CPU_VIEW)
        disk = bytearray(path.read_bytes())
        data = self.clip.path.read_bytes()
        disk[:FRAME], disk[STRIDE:STRIDE + FRAME] = data[:FRAME], data[FRAME:]
        disk[-CPU_VIEW] = 7
        path.write_bytes(disk)
        recovered = job.read_output(path, self.clip)
        self.assertEqual((recovered.mismatched_bytes, recovered.first_mismatch), (0, -1))
        self.assertEqual(recovered.cpu_view, b"\7" + bytes(CPU_VIEW - 1))
        for offset in (STRIDE + 5, STRIDE + FRAME - 1):
            disk[offset] ^= 1
        path.write_bytes(disk)
        recovered = job.read_output(path, self.clip)
        self.assertEqual((recovered.mismatched_bytes, recovered.first_mismatch), (2, FRAME + 5))

    def test_output_that_nobody_wrote_mismatches(self):
        job.make_output(self.folder / "output", self.clip)
        recovered = job.read_output(self.folder / "output", self.clip)
        self.assertGreater(recovered.mismatched_bytes, FRAME)

    def examine_black_views_of(self, frames: bytes):
        """(figures, what is told of them) of a run whose views are all black."""
        self.clip.path.write_bytes(frames)
        original = self.clip._replace(frames=len(frames) // FRAME)
        job.make_output(self.folder / "output", original)
        for name in ("capture.png", "screen.png"):
            picture.write_png_of_xrgb(bytes(CPU_VIEW), self.folder / name)
        figures = demo.examine(original, playback.Stage(
            player=None, plugin=None, identity=None, job=None, output=self.folder / "output",
            capture_view=self.folder / "capture.png", operator_view=self.folder / "screen.png"))
        with contextlib.redirect_stdout(io.StringIO()) as told:
            demo.tell_comparison(figures, True, Story())
        return figures, told.getvalue()

    def test_black_last_frame_is_told_because_black_views_prove_nothing_then(self):
        gray = bytes([126]) * (640 * 360) + bytes([128]) * (640 * 360 // 2)
        black = bytes([16]) * (640 * 360) + bytes([128]) * (640 * 360 // 2)
        for frames, is_black in ((gray + black, True), (black + gray, False)):
            with self.subTest(is_black):
                figures, told = self.examine_black_views_of(frames)
                self.assertIs(figures["last_frame_is_black"], is_black)
                self.assertIs("last frame is black itself" in told, is_black)

    def test_pictures_survive_their_files_and_differ_by_what_was_changed(self):
        pixels = bytearray(640 * 360 * 4)
        pixels[0:4] = b"\x10\x20\x30\xff"  # blue, green, red, unused
        path = self.folder / "100%03d.png"
        picture.write_png_of_xrgb(bytes(pixels), path)
        shown = picture.read_png(path)
        self.assertEqual(shown, b"\x30\x20\x10" + bytes(640 * 360 * 3 - 3))
        self.assertFalse(picture.is_black(shown))
        self.assertTrue(picture.is_black(bytes(12)))
        difference = picture.compare(bytes(4), b"\0\x08\0\0")
        self.assertEqual((difference.largest, difference.mean), (8, 2.0))

    def test_gray_frame_becomes_gray_by_the_limited_range(self):
        frame = bytes([126]) * (640 * 360) + bytes([128]) * (640 * 360 // 2)
        exact = (126 - 16) * 255 / 219
        self.assertLessEqual({abs(value - exact) < 1.5 for value in picture.convert_nv12(frame)},
                             {True})


if __name__ == "__main__":
    unittest.main()
