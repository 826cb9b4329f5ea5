"""The demo's path in a booted guest, and what it says when something is wrong.

Run: python3 tests/vm/test_demo.py --build-dir DIR
"""

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from demo import demo, job, playback
from demo.error import DemoError
from demo.story import Story

DEMO = ROOT / "tools/demo/demo.py"
BUILD = Path()
WIDTH, HEIGHT = 640, 360
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
FRAMES = 4


def ffmpeg(*words: str) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *words], check=True,
                          stdout=subprocess.PIPE).stdout


def read_pixels(picture: Path) -> bytes:
    return ffmpeg("-i", str(picture), "-f", "rawvideo", "-pix_fmt", "rgb24", "-")


def mean_difference(one: bytes, other: bytes) -> float:
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)


class Demo(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.output = self.scratch / "out"
        self.temporary = self.scratch / "tmp"
        self.temporary.mkdir()

    def start(self, *words: str) -> subprocess.Popen:
        command = [sys.executable, str(DEMO), "--output", str(self.output), "--build-dir",
                   str(BUILD), *words]
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, "TMPDIR": str(self.temporary)})

    def run_demo(self, *words: str):
        """(exit code, output, errors); whatever happens, nothing stays behind."""
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=300)
        self.assertEqual(list(self.temporary.iterdir()), [])
        return process.returncode, output, errors

    def run_well(self, *words: str):
        """(report, output) of a run that has to succeed."""
        code, output, errors = self.run_demo(*words)
        self.assertEqual(code, 0, output + errors)
        return json.loads((self.output / "report.json").read_text()), output

    def assert_refused(self, code: int, text: str, *words: str) -> None:
        got, output, errors = self.run_demo(*words)
        self.assertEqual(got, code, output + errors)
        self.assertRegex(errors, text)
        self.assertNotIn("Traceback", errors)
        self.assertFalse((self.output / "report.json").exists())

    def test_protected_clip_is_played_shown_and_proven(self) -> None:
        recording = self.scratch / "demo, once.rec"
        report, output = self.run_well("--frames", str(FRAMES), "--record", str(recording))
        print(output, flush=True)
        replayed = subprocess.run([BUILD / "emulator/cli/ward", "replay", recording, "--repeat", "5"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertIn("same hash 5/5", replayed.stdout)
        expected = {"frames": FRAMES, "bytes_decrypted": FRAMES * FRAME_BYTES,
                    "mismatched_bytes": 0, "wrong_blob_result": "E_INVALIDARG",
                    "capture_view_black": True, "cpu_view_black": True,
                    "content_key_in_logs": False}
        self.assertEqual({name: report[name] for name in expected}, expected)
        self.assertGreaterEqual(report["protected_reads_refused"], 4)
        installed = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True,
                                   text=True, check=True).stdout.split()[3]
        self.assertIn(installed, report["qemu_version"])
        self.assertGreater(report["seconds"], 0)
        # The test picture as ffmpeg draws it, which never was NV12.
        drawn = ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=24", "-vf",
                       f"select=eq(n\\,{FRAMES - 1})", "-frames:v", "1", "-f", "rawvideo",
                       "-pix_fmt", "rgb24", "-")
        screen = read_pixels(self.output / "screen.png")
        self.assertEqual(len(screen), len(drawn))
        self.assertLess(mean_difference(screen, drawn), 4)
        self.assertEqual(read_pixels(self.output / "cpu-view.png"), bytes(len(drawn)))

    def test_shorter_clip_of_another_size_is_fitted_and_said(self) -> None:
        clip = self.scratch / "a clip, 'odd' %d.mkv"
        ffmpeg("-f", "lavfi", "-i", "color=red:size=100x200", "-frames:v", "2", "-c:v", "ffv1",
               str(clip))
        report, output = self.run_well("--input", str(clip), "--frames", "5")
        self.assertEqual((report["frames"], report["mismatched_bytes"]), (2, 0))
        self.assertRegex(output, "asked for 5 frames; the clip has 2")
        screen = read_pixels(self.output / "screen.png")
        middle = (HEIGHT // 2 * WIDTH + WIDTH // 2) * 3
        self.assertEqual(screen[:3], bytes(3))  # a bar beside the picture
        self.assertLess(mean_difference(screen[middle:middle + 3], b"\xff\0\0"), 4)

    def test_clip_that_is_no_clip_is_named_with_what_ffmpeg_says(self) -> None:
        clip = self.scratch / "notes.mp4"
        clip.write_text("no pictures here\n" * 100)
        self.assert_refused(1, f"^error: {clip} is no clip that ffmpeg can read: Invalid data.*\n$",
                            "--input", str(clip))

    def test_absent_clip_is_named(self) -> None:
        self.assert_refused(1, "^error: there is no file /no/such/clip\n$", "--input",
                            "/no/such/clip")

    def test_bad_frame_counts_are_refused(self) -> None:
        for count in ("0", "-1", "many", "1e3", "1001", ""):
            with self.subTest(count):
                self.assert_refused(2, f"'{count}' is no number from 1 to 1000|expected one",
                                    "--frames", count)

    def test_second_demo_of_a_folder_leaves_the_first_one_alone(self) -> None:
        self.output.mkdir()
        (self.output / "screen.png").write_text("of the first")
        with open(self.scratch / ".out.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write("4711\n")
            lock.flush()
            self.assert_refused(1, f"^error: another demo is at work on \\S*{self.output.name} \\(pid 4711\\); "
                                "wait for it, or end it with: kill 4711\n$")
        self.assertEqual((self.output / "screen.png").read_text(), "of the first")

    def test_next_demo_removes_what_a_killed_one_left(self) -> None:
        with self.start() as process:
            for line in process.stdout:
                if "boot" in line:
                    break
            process.kill()
        self.assertNotEqual(list(self.temporary.iterdir()), [])
        self.assertEqual(list(self.output.iterdir()), [])
        # One that gets as far as the folders, not to a guest.
        self.assert_refused(1, "is not there", "--build-dir", str(self.scratch))

    def test_missing_build_names_the_mend(self) -> None:
        self.assert_refused(1, "(?s)error: .* is not there.*./dev build", "--build-dir",
                            str(self.scratch))

    def test_interrupted_demo_takes_guest_and_folders_along(self) -> None:
        self.output.mkdir()
        with self.start() as process:
            for line in process.stdout:
                if "boot" in line:
                    break
            self.assertNotEqual(list(self.temporary.iterdir()), [])
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, errors)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(list(self.temporary.iterdir()), [])

    def play(self, options: argparse.Namespace, change) -> None:
        """Plays a job that `change` has altered in the folder of the run."""
        self.output.mkdir()
        story = Story()
        original, key, stage = demo.prepare(options, self.temporary, story)
        change(original, key, stage)
        outcome = playback.play(stage, key, story)
        self.figures = demo.examine(original, stage)
        self.assertEqual(outcome.report["frames"], original.frames)

    def options(self) -> argparse.Namespace:
        return demo.parse_arguments(["--frames", "1", "--output", str(self.output), "--build-dir",
                                     str(BUILD)])

    def test_device_of_another_root_is_not_trusted(self) -> None:
        def change(original, key, stage):
            root = playback.create_identity(BUILD / "emulator/cli/ward", self.scratch / "other")
            stage.job.unlink()
            job.write_job(stage.job, self.temporary / "clip.enc", original, key, root)

        with self.assertRaisesRegex(DemoError, "the player's step certificate gave E_FAIL: .*root"):
            self.play(self.options(), change)

    def test_changed_ciphertext_is_seen_in_plaintext_and_on_the_screen(self) -> None:
        def change(original, key, stage):
            data = bytearray(stage.job.read_bytes())
            for offset in range(-FRAME_BYTES // 2, -FRAME_BYTES // 2 + 64):
                data[offset] ^= 0xff
            stage.job.write_bytes(data)

        self.play(self.options(), change)
        self.assertEqual(self.figures["mismatched_bytes"], 64)
        self.assertGreater(self.figures["screen_largest_difference"], 50)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
