"""The clip: any file that ffmpeg reads, as raw NV12 frames of the screen's size."""

from pathlib import Path
from typing import NamedTuple, Optional

from .command import last_line, run
from .error import DemoError

# The display's mode, so that nothing is scaled on the way to the screen.
WIDTH, HEIGHT = 640, 360
# The protected surface's rows have no padding: 640 is a multiple of the 16 bytes of an AES block.
PITCH = 640
FRAME_BYTES = PITCH * HEIGHT * 3 // 2
TEST_PICTURE = f"testsrc2=size={WIDTH}x{HEIGHT}:rate=24"


class Clip(NamedTuple):
    path: Path  # the frames, one after the other
    frames: int
    source: str  # for people

    @property
    def length(self) -> str:
        """For people."""
        return "1 frame" if self.frames == 1 else f"{self.frames} frames"


def check_source(source: Optional[Path]) -> None:
    """DemoError when `source` can't be a clip, whatever ffmpeg would say of it."""
    if source is None:
        return
    if not source.exists():
        raise DemoError(f"there is no file {source}")
    if not source.is_file():
        raise DemoError(f"{source} is not a file")
    try:
        source.open("rb").close()
    except OSError as error:
        raise DemoError(f"{source} can't be read: {error.strerror}") from None


def make(source: Optional[Path], frames: int, path: Path) -> Clip:
    """Writes up to `frames` frames of `source` (ffmpeg's test picture when None) to `path`.

    Errors: DemoError names the file and what ffmpeg says of it.
    """
    check_source(source)
    if source is None:
        name, words = "ffmpeg's test picture", ["-f", "lavfi", "-i", TEST_PICTURE]
    else:
        name, words = str(source), ["-i", f"file:{source.resolve()}"]
    result = run(["ffmpeg", "-v", "error", "-nostdin", "-y", *words, "-an", "-sn", "-dn",
                  "-fps_mode", "passthrough", "-frames:v", str(frames), "-vf", _filters(),
                  "-pix_fmt", "nv12", "-f", "rawvideo", str(path)])
    size = path.stat().st_size if path.exists() else 0
    if result.returncode != 0 or size == 0 or size % FRAME_BYTES != 0:
        raise DemoError(f"{name} is no clip that ffmpeg can read: {_reason(result.stderr)}")
    return Clip(path, size // FRAME_BYTES, name)


def _reason(output: bytes) -> str:
    """What ffmpeg says last, without the file's name that it begins with."""
    return last_line(output).rpartition(": ")[2]


def _filters() -> str:
    """Fits the picture into the screen, with black bars; BT.601 in the limited range."""
    return (f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease:force_divisible_by=2"
            f":out_color_matrix=bt601:out_range=tv,pad={WIDTH}:{HEIGHT}:-1:-1:black,setsar=1")
