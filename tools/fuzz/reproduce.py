"""What is written beside an input that falls: a text, a C++ test, a qtest script and a recording."""
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

LIMIT_S = 60  # of one form
WRONG_USAGE = 2
FORMS = {"text": ".txt", "cpp": ".cc", "qtest": ".qtest", "recording": ".rec"}


@dataclass
class Reproducers:
    files: Dict[str, Path] = field(default_factory=dict)  # by form
    failed: List[str] = field(default_factory=list)  # a line for each form that could not be written
    # Whether the text, played by itself, falls; None where it could not be tried.
    text_falls: Optional[bool] = None


def write(program: Path, crash: Path, build: str) -> Reproducers:
    """`build` is the command that builds the program."""
    made = Reproducers()
    if not program.is_file():
        made.failed.append(f"no text, test, script and recording: there is no {program}; build it with: {build}")
        return made
    for form, suffix in FORMS.items():
        path = crash.with_name(crash.name + suffix)
        trouble = run(program, form, str(crash), "-o", str(path))
        if trouble is None and not path.is_file():
            trouble = "it wrote nothing"
        if trouble is None:
            made.files[form] = path
        else:
            made.failed.append(f"no {form}: {trouble}")
    if "text" in made.files:
        code = start(program, "run", str(made.files["text"]))[0]
        made.text_falls = None if code in (None, WRONG_USAGE) else code != 0
    return made


def run(program: Path, *words: str) -> Optional[str]:
    """What is wrong; None: all is well."""
    code, said = start(program, *words)
    return None if code == 0 else said


def start(program: Path, *words: str) -> Tuple[Optional[int], str]:
    """Its exit code, None where there is none, and its first line of trouble."""
    try:
        done = subprocess.run([str(program), *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace", timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return None, f"{program.name} took longer than {LIMIT_S} s"
    except OSError as error:
        return None, f"{program} does not start: {error.strerror}"
    said = done.stderr.strip().splitlines()
    return done.returncode, said[0] if said else f"{program.name} ended with exit code {done.returncode}"


def describe(made: Optional[Reproducers], root: Path) -> List[str]:
    if made is None:
        return []
    lines = [f"{form + ':':10} {shown(path, root)}" for form, path in made.files.items()] + made.failed
    if made.text_falls is False:
        lines.append("the text alone does not fall: what fell compares runs, or needs what the target does around them")
    return lines


def as_json(made: Optional[Reproducers], root: Path) -> Optional[dict]:
    return made and {**{form: shown(path, root) for form, path in made.files.items()}, "text_falls": made.text_falls}


def shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
