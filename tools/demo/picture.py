"""Pictures as rows of RGB bytes: what a file shows, what it should show, how far they are apart."""

from pathlib import Path
from typing import NamedTuple

from .clip import HEIGHT, WIDTH
from .command import last_line, run
from .error import DemoError

_RAW_RGB = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-")
_SIZE = f"{WIDTH}x{HEIGHT}"


class Difference(NamedTuple):
    """Of two pictures, over all color components (0..255)."""
    largest: int
    mean: float


def read_png(path: Path) -> bytes:
    """The picture's pixels. DemoError when it has not the screen's size."""
    # Through a pipe: ffmpeg takes a % in the name of a picture for a number.
    pixels = _convert(["-f", "png_pipe", "-i", "-", *_RAW_RGB], f"{path} is no picture",
                      path.read_bytes())
    if len(pixels) != WIDTH * HEIGHT * 3:
        raise DemoError(f"{path} is not a picture of {_SIZE}")
    return pixels


def write_png_of_xrgb(pixels: bytes, path: Path) -> None:
    """`pixels`: rows of 32-bit XRGB without padding, blue first."""
    path.write_bytes(_convert(
        ["-f", "rawvideo", "-pix_fmt", "bgr0", "-s", _SIZE, "-i", "-", "-f", "image2pipe", "-c:v",
         "png", "-pix_fmt", "rgb24", "-"], "ffmpeg can't write a picture", pixels))


def convert_nv12(frame: bytes) -> bytes:
    """ffmpeg's own conversion of a frame of the clip, which no code of ours had a part in."""
    # A 4:2:0 picture is converted with each chroma sample standing for its four pixels.
    filters = "format=yuv420p,scale=in_color_matrix=bt601:in_range=tv:out_range=pc"
    return _convert(["-f", "rawvideo", "-pix_fmt", "nv12", "-s", _SIZE, "-i", "-", "-vf", filters,
                     *_RAW_RGB], "ffmpeg can't convert a frame", frame)


def compare(one: bytes, other: bytes) -> Difference:
    if len(one) != len(other):
        raise ValueError("pictures of different sizes")
    counts = [0] * 256
    for a, b in zip(one, other):
        counts[abs(a - b)] += 1
    largest = max(step for step, count in enumerate(counts) if count)
    return Difference(largest, sum(step * count for step, count in enumerate(counts)) / len(one))


def is_black(pixels: bytes) -> bool:
    return not any(pixels)


def _convert(words, complaint: str, stdin: bytes) -> bytes:
    result = run(["ffmpeg", "-v", "error", *words], stdin=stdin)
    if result.returncode != 0:
        raise DemoError(f"{complaint}: {last_line(result.stderr)}")
    return result.stdout
