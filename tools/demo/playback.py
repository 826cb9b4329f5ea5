"""The guest that plays the clip: from its boot to its power-off."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

from vm.machine import Disk, Machine

from .encryption import ContentKey
from .error import DemoError
from .story import Story

PCI_ID = "1234:5747"
GPU = "gpu0"
GPU_PATH = f"/machine/peripheral/{GPU}"
BOOT_TIMEOUT_S = 120
# Between two lines of the player; a machine may be busy with other things.
LINE_TIMEOUT_S = 180


class Stage(NamedTuple):
    """What the guest is made of, and where its pictures go."""
    player: Path
    plugin: Path
    identity: Path
    job: Path
    output: Path
    capture_view: Path
    operator_view: Path
    recording: Optional[Path] = None  # of all that the chip does


class Outcome(NamedTuple):
    report: Dict[str, Any]  # the player's own
    qemu_version: str
    accelerator: str
    is_key_in_logs: bool


def play(stage: Stage, key: ContentKey, story: Story) -> Outcome:
    """Boots, plays, takes both screenshots while the last frame stands, powers off.

    Errors: DemoError with the player's step and its result; VmError.
    """
    story.show_progress("the guest boots")
    with _make_machine(stage) as guest:
        guest.wait_ready(BOOT_TIMEOUT_S)
        version = _name_version(guest.monitor.execute("query-version"))
        story.tell("boot", f"Debian's kernel in {version.split(' (')[0]} by {guest.accel}, with "
                   "ward-gpu behind an emulated IOMMU")
        report = _follow(guest, story)
        guest.monitor.take_screenshot(stage.capture_view, device=GPU)
        guest.monitor.set_property(GPU_PATH, "view", "operator")
        guest.monitor.take_screenshot(stage.operator_view, device=GPU)
        _end(guest, story)
        return Outcome(report, version, guest.accel, _is_in_logs(guest, key))


def _make_machine(stage: Stage) -> Machine:
    plugin, identity = (_escape(path) for path in (stage.plugin, stage.identity))
    record = f",record={_escape(stage.recording)}" if stage.recording else ""
    return Machine(
        command=["/player", "/dev/ward/input", "/dev/ward/output"],
        files={"/player": stage.player},
        qemu_arguments=["-plugin", plugin],
        devices=[f"ward-gpu,id={GPU},identity={identity}{record}"],
        disks=[Disk("input", stage.job, read_only=True), Disk("output", stage.output)],
        pci_id=PCI_ID)


def _escape(path: Path) -> str:
    """As QEMU takes it in a list of properties."""
    return str(path).replace(",", ",,")


def _follow(guest: Machine, story: Story) -> Dict[str, Any]:
    """Tells the player's steps up to its "hold", and gives its report."""
    listener = _Listener(guest, story)
    report: Dict[str, Any] = {}
    while True:
        line = listener.next_line()
        if line.startswith("WARD report "):
            report = _parse_report(line[len("WARD report "):])
        elif line == "WARD hold" and report:
            return report
        elif re.match("WARD hold|ward-guest: (error|exit)", line):
            raise DemoError(listener.failure or f"the player ended before its report ({line})")


def _end(guest: Machine, story: Story) -> None:
    """Lets the player tear down, and the guest power off."""
    guest.channel.send_line("continue")
    listener = _Listener(guest, story)
    line = listener.next_line()
    while not line.startswith("ward-guest: "):
        line = listener.next_line()
    if line != "ward-guest: exit 0":
        raise DemoError(listener.failure or f"the player did not end well ({line})")
    guest.wait_power_off(60)


class _Listener:
    """Takes the player's lines, tells its steps, and remembers how one of them failed."""

    def __init__(self, guest: Machine, story: Story) -> None:
        self._guest = guest
        self._story = story
        self.failure = ""

    def next_line(self) -> str:
        """The next line that is no step."""
        while True:
            line = self._guest.channel.read_line(LINE_TIMEOUT_S)
            step = re.match(r"WARD step=(\S+) result=(\S+) ?(.*)", line)
            if not step:
                return line
            self._take_step(*step.groups())

    def _take_step(self, step: str, result: str, text: str) -> None:
        if text.startswith("failed: "):
            self.failure = f"the player's step {step} gave {result}: {text[8:]}"
        elif step == "frame":  # each of them; the sum of all is a step of its own
            self._story.show_progress(f"frame {text}")
        else:
            self._story.add_step(step, result, text)


def _parse_report(text: str) -> Dict[str, Any]:
    try:
        report = json.loads(text)
    except ValueError:
        raise DemoError("the player's report is no JSON") from None
    if not isinstance(report, dict):
        raise DemoError("the player's report is no JSON object")
    return report


def _name_version(answer: Dict[str, Any]) -> str:
    """Like "QEMU 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"."""
    number = ".".join(str(answer["qemu"][part]) for part in ("major", "minor", "micro"))
    package = answer.get("package", "")
    return f"QEMU {number} ({package})" if package else f"QEMU {number}"


def _is_in_logs(guest: Machine, key: ContentKey) -> bool:
    """Whether the content key stands in anything that guest or QEMU said."""
    texts = ["\n".join(guest.channel.transcript).encode()]
    texts += [(guest.folder / name).read_bytes() for name in ("qemu.log", "console.log")]
    forms = [key.key, key.key[::-1], key.key.hex().encode(), key.key[::-1].hex().encode()]
    return any(form in text or form in text.lower() for form in forms for text in texts)


def create_identity(ward: Path, folder: Path) -> Path:
    """A device identity that lives as long as `folder`; gives its root certificate.

    It is marked as one for tests: a recording may hold its key.
    """
    if not ward.is_file():
        raise DemoError(f"{ward} is not there\n  mend: ./dev build release")
    made = subprocess.run([str(ward), "identity", "create", "--test", str(folder)], capture_output=True,
                          text=True, timeout=120, check=False)
    if made.returncode != 0:
        raise DemoError(f"ward identity create: {made.stderr.strip() or 'it failed'}")
    return folder / "root.pem"
