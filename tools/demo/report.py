"""The figures of a run, and what must be true of them."""

import json
from pathlib import Path
from typing import Any, Dict, List

from .clip import FRAME_BYTES

# The device's conversion and ffmpeg's round differently: noise in all planes differs by 4 at most.
# Another frame, matrix or range differs by far more.
LARGEST_DIFFERENCE = 6
MEAN_DIFFERENCE = 2.0


def find_faults(report: Dict[str, Any], frames: int) -> List[str]:
    """What is wrong with a run of `frames` frames, a line each; empty when all is well."""
    faults = []

    def expect(name: str, holds: bool, wanted: str) -> None:
        if name not in report:
            faults.append(f"{name} is missing from the report")
        elif not holds:
            faults.append(f"{name} is {json.dumps(report[name])}: {wanted}")

    def get(name: str) -> Any:
        return report.get(name)

    expect("frames", get("frames") == frames, f"the clip has {frames}")
    expect("bytes_decrypted", get("bytes_decrypted") == frames * FRAME_BYTES,
           f"the clip has {frames * FRAME_BYTES}")
    expect("mismatched_bytes", get("mismatched_bytes") == 0,
           "what the player got back differs from the clip, first at byte "
           f"{get('first_mismatch')}")
    expect("protected_reads_refused", (get("protected_reads_refused") or 0) > 0 and
           get("protected_reads_refused") == get("protected_reads_tried"),
           f"each of the {get('protected_reads_tried')} that were tried has to be refused")
    expect("wrong_blob_result", get("wrong_blob_result") == "E_INVALIDARG",
           "a tampered session key is to be answered with E_INVALIDARG")
    expect("capture_view_black", get("capture_view_black") is True,
           "a screen capture shows protected content")
    expect("cpu_view_black", get("cpu_view_black") is True,
           "the guest's CPU could read something of the protected picture")
    expect("screen_largest_difference",
           (get("screen_largest_difference") or 0) <= LARGEST_DIFFERENCE and
           (get("screen_mean_difference") or 0) <= MEAN_DIFFERENCE,
           f"the screen does not show the clip's last frame (mean {get('screen_mean_difference')},"
           f" at most {LARGEST_DIFFERENCE} and {MEAN_DIFFERENCE:g} allowed)")
    expect("content_key_in_logs", get("content_key_in_logs") is False,
           "the content key stands in a log")
    return faults


def write(report: Dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(report, indent=2) + "\n")
