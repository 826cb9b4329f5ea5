#!/usr/bin/env python3
"""./dev demo: plays a protected clip in a booted guest and leaves the proof in out/demo.

usage: ./dev demo [--input FILE] [--frames N] [--record FILE]
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

if __name__ == "__main__":
    # The folder that comes first in a program's path has this file, which is not the package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from demo import clip, encryption, job, picture, playback, report
from demo.error import DemoError
from demo.story import Story
from vm import machine, scratch
from vm.error import VmError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FRAMES = 48
MOST_FRAMES = 1000
# Clip, ciphertext, the guest's two disks.
COPIES_OF_THE_CLIP = 4
# What the player says of its output disk is for whoever reads the disk.
DISK_LAYOUT = re.compile("read_back_(offset|stride|frame_bytes)|cpu_view_(offset|bytes)")
RESULTS = ("screen.png", "cpu-view.png", "report.json")


def parse_arguments(words: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev demo", add_help=False, allow_abbrev=False,
                                     usage="./dev demo [--input FILE] [--frames N] [--record FILE]")
    parser.add_argument("--input", type=Path, metavar="FILE")
    parser.add_argument("--frames", type=_count, default=DEFAULT_FRAMES, metavar="N")
    parser.add_argument("--record", type=Path, metavar="FILE")
    # For tests: where the results go, and which build runs.
    parser.add_argument("--output", type=Path, default=ROOT / "out/demo", help=argparse.SUPPRESS)
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build/release",
                        help=argparse.SUPPRESS)
    # For ./dev: only says what is wrong with the arguments.
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-h", "--help", action="help")
    return parser.parse_args(words)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_FRAMES):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to {MOST_FRAMES}")
    return int(text)


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keeps `folder` for this run: two of them would mix their results."""
    # Beside the folder, so that ./dev clean finds it locked.
    path = folder.with_name(f".{folder.name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")
    except OSError as error:
        raise unwritable(folder, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = file.read().strip()
            raise DemoError(f"another demo is at work on {_shown(folder)} (pid {owner}); wait for "
                            f"it, or end it with: kill {owner}") from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def unwritable(folder: Path, error: OSError) -> DemoError:
    return DemoError(f"{folder} can't be written: {error.strerror}\n"
                     f"  mend: sudo chown -R $(id -un) {_shown(folder)}")


def clear_results(folder: Path) -> None:
    """No result of an earlier run stays behind to be taken for this one's."""
    try:
        for name in RESULTS:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def hand_over(results: Path, folder: Path) -> None:
    for name in RESULTS:
        try:
            shutil.move(results / name, folder / name)
        except OSError as error:
            raise unwritable(folder, error) from None


def check_recording(path: Optional[Path]) -> None:
    """Before anything is built; QEMU says what else may be wrong."""
    if path is None:
        return
    if path.exists() and not path.is_file():
        raise DemoError(f"{path} is no file to record to")
    if not path.resolve().parent.is_dir():
        raise DemoError(f"there is no folder {path.resolve().parent} to record to")


def check_room(frames: int) -> None:
    needed = frames * clip.FRAME_BYTES * COPIES_OF_THE_CLIP
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < needed:
        raise DemoError(f"{folder} has no room for {needed >> 20} MiB\n"
                        "  mend: fewer --frames, or TMPDIR=<a folder with more room> ./dev demo")


def prepare(options: argparse.Namespace, folder: Path, story: Story):
    """The encrypted clip and everything else that the guest is made of."""
    original = clip.make(options.input, options.frames, folder / "clip.nv12")
    story.tell("clip", f"{original.length} of {original.source}, {clip.WIDTH}x{clip.HEIGHT} "
               f"NV12, {original.path.stat().st_size / 1e6:.1f} MB")
    if original.frames < options.frames:
        story.note(f"asked for {options.frames} frames; the clip has {original.frames}")
    key = encryption.encrypt(original.path, folder / "clip.enc")
    story.tell("encryption", f"AES-128-CTR by {encryption.version()}, a random key")
    root = playback.create_identity(options.build_dir / "emulator/cli/ward", folder / "identity")
    job.write_job(folder / "input", folder / "clip.enc", original, key, root)
    job.make_output(folder / "output", original)
    story.tell("identity", "a new RSA-2048 device key, certified up to a root that the player gets")
    stage = playback.Stage(
        player=options.build_dir / "tests/vm/ward_guest_player",
        plugin=ROOT / "build/qemu/ward-qemu.so", identity=folder / "identity",
        job=folder / "input", output=folder / "output",
        capture_view=folder / "capture.png", operator_view=folder / "screen.png",
        recording=options.record)
    return original, key, stage


def examine(original: clip.Clip, stage: playback.Stage) -> Dict[str, Any]:
    """Compares what came back with the clip; writes the CPU's view."""
    recovered = job.read_output(stage.output, original)
    picture.write_png_of_xrgb(recovered.cpu_view, stage.operator_view.with_name("cpu-view.png"))
    with open(original.path, "rb") as frames:
        frames.seek((original.frames - 1) * clip.FRAME_BYTES)
        wanted = picture.convert_nv12(frames.read(clip.FRAME_BYTES))
    difference = picture.compare(picture.read_png(stage.operator_view), wanted)
    figures = {
        "mismatched_bytes": recovered.mismatched_bytes,
        "last_frame_is_black": picture.is_black(wanted),
        "capture_view_black": picture.is_black(picture.read_png(stage.capture_view)),
        "cpu_view_black": picture.is_black(recovered.cpu_view),
        "screen_largest_difference": difference.largest,
        "screen_mean_difference": round(difference.mean, 3)}
    if recovered.mismatched_bytes:
        figures["first_mismatch"] = recovered.first_mismatch
    return figures


def tell_comparison(figures: Dict[str, Any], is_good: bool, story: Story) -> None:
    story.tell("comparison", "with the original clip and ffmpeg's picture of its last frame",
               is_good)
    story.add(f"{figures['mismatched_bytes']} bytes of the recovered plaintext differ")
    story.add(f"screen: {figures['screen_largest_difference']} of 255 at most, "
              f"{figures['screen_mean_difference']:.2f} on average, in the operator's view")
    shade = {True: "black", False: "NOT BLACK"}
    story.add(f"capture view: {shade[figures['capture_view_black']]}, CPU's view: "
              f"{shade[figures['cpu_view_black']]}")
    if figures["last_frame_is_black"]:
        story.note("the clip's last frame is black itself, so black views prove nothing; "
                   "another --frames ends at another frame")


def play(options: argparse.Namespace) -> None:
    """The whole demo. DemoError or VmError when anything is not as it has to be."""
    story = Story()
    with hold(options.output), scratch.ScratchFolder("ward-demo-") as folder:
        scratch.sweep(machine.SCRATCH_PREFIX)
        clear_results(options.output)
        play_in(folder, options, story)
    print(f"demo: all as it should be in {story.seconds:.1f} s; look at {_shown(options.output)}/"
          "{screen.png,cpu-view.png,report.json}")


def play_in(folder: Path, options: argparse.Namespace, story: Story) -> None:
    """Plays with all files in `folder`; the results leave it when all of them are there."""
    original, key, stage = prepare(options, folder, story)
    outcome = playback.play(stage, key, story)
    story.tell("playback", f"{original.length} through the protected path; powered off")
    figures = examine(original, stage)
    if options.record:
        story.note(f"recorded in {options.record}; run it again with: "
                   f"{_shown(options.build_dir)}/emulator/cli/ward replay {options.record}")
    result = {
        "input": original.source,
        **{name: value for name, value in outcome.report.items() if not DISK_LAYOUT.match(name)},
        **figures, "content_key_in_logs": outcome.is_key_in_logs,
        "qemu_version": outcome.qemu_version, "accelerator": outcome.accelerator,
        "openssl_version": encryption.version()}
    faults = report.find_faults(result, original.frames)
    tell_comparison(figures, not faults, story)
    report.write({**result, "step_seconds": story.step_seconds, "seconds": round(story.seconds, 1)},
                 folder / "report.json")
    hand_over(folder, options.output)
    if faults:
        raise DemoError("; ".join(faults))


def _shown(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def main() -> int:
    # Ends the guest and removes the folder on the way out, as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    try:
        options = parse_arguments(sys.argv[1:])
        clip.check_source(options.input)
        check_recording(options.record)
        check_room(options.frames)
        if not options.check_arguments:
            play(options)
    except (DemoError, VmError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or 'the demo'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the guest has ended", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
