"""Branch outcomes of a program's files, from llvm-cov's export: each condition has two, true and false."""
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

# Fields of llvm-cov's JSON: of a region, and of a branch.
LINE, COLUMN, END_LINE, END_COLUMN = range(4)
COUNT, FILE, EXPANDED, KIND = range(4, 8)
TRUE, FALSE, BRANCH_FILE = range(4, 7)
CODE, EXPANSION = 0, 1  # kinds of regions

SIDES = ("true", "false")


@dataclass
class Outcome:
    """One way out of a condition."""
    line: int
    text: str  # of the condition, as it is written
    side: str
    macro: str  # the file of the macro that makes it; "" without one
    behind: str  # what stands before it on its line
    function: str  # the first line of what it stands in
    count: int = 0
    why_not: Optional[str] = None  # the reason, if it is one that no guest reaches


@dataclass
class FileBranches:
    name: str
    outcomes: List[Outcome] = field(default_factory=list)

    @property
    def counted(self) -> List[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.why_not is None]

    @property
    def missed(self) -> List[Outcome]:
        return [outcome for outcome in self.counted if outcome.count == 0]


class Source:
    def __init__(self):
        self.lines: Dict[str, List[str]] = {}

    def text(self, name: str, place) -> str:
        if name not in self.lines:
            self.lines[name] = Path(name).read_text(encoding="utf-8", errors="replace").splitlines()
        lines = self.lines[name][place[LINE] - 1:place[END_LINE]]
        if not lines:
            return ""
        if place[LINE] == place[END_LINE]:
            return lines[0][place[COLUMN] - 1:place[END_COLUMN] - 1]
        middle = [lines[0][place[COLUMN] - 1:], *lines[1:-1], lines[-1][:place[END_COLUMN] - 1]]
        return " ".join(line.strip() for line in middle)

    def line(self, name: str, number: int) -> str:
        self.text(name, (number, 1, number, 1))
        return self.lines[name][number - 1].strip()


def is_folded(branch, regions) -> bool:
    """Whether the compiler knew the condition: it was passed, and went neither way."""
    if branch[TRUE] or branch[FALSE]:
        return False
    start = (branch[LINE], branch[COLUMN])
    around = [region for region in regions
              if region[KIND] == CODE and region[FILE] == branch[BRANCH_FILE]
              and (region[LINE], region[COLUMN]) <= start < (region[END_LINE], region[END_COLUMN])]
    innermost = max(around, key=lambda region: (region[LINE], region[COLUMN]), default=None)
    return innermost is not None and innermost[COUNT] > 0


def read_export(export: dict, root: Path) -> Dict[str, FileBranches]:
    """By file, relative to `root`. Instantiations of one template are one."""
    source = Source()
    wanted = {file["filename"] for file in export["data"][0]["files"]}
    found: Dict[str, Dict[Tuple, Outcome]] = defaultdict(dict)
    for function in export["data"][0]["functions"]:
        names, regions = function["filenames"], function["regions"]
        expansions = {region[EXPANDED]: region for region in regions if region[KIND] == EXPANSION}
        for branch in function["branches"]:
            if is_folded(branch, regions):
                continue
            file, path = branch[BRANCH_FILE], []
            while file in expansions:
                path.append(expansions[file])
                file = expansions[file][FILE]
            if names[file] not in wanted:
                continue
            # A macro's condition is told by the place where the macro is used.
            place = path[-1] if path else branch
            macro = names[branch[BRANCH_FILE]] if path else ""
            for side, column in zip(SIDES, (TRUE, FALSE)):
                key = (tuple(branch[:4]), tuple(tuple(use[:4]) for use in path), side)
                outcome = found[names[file]].get(key)
                if outcome is None:
                    text = (source.line(names[file], place[LINE]) if path
                            else source.text(names[file], branch))
                    outcome = found[names[file]][key] = Outcome(
                        place[LINE], text, side, shorten(macro, root),
                        source.text(names[file], (place[LINE], 1, place[LINE], place[COLUMN])),
                        source.line(names[file], regions[0][LINE]))
                outcome.count += branch[column]
    return {shorten(name, root): FileBranches(
        shorten(name, root), sorted(found[name].values(), key=lambda outcome: outcome.line))
        for name in sorted(wanted)}


def shorten(name: str, root: Path) -> str:
    return str(Path(name).relative_to(root)) if name and Path(name).is_relative_to(root) else name


@dataclass
class Place:
    """Conditions: what is given has to fit, all of it."""
    file: str = ""
    macro: str = ""  # of this file: every condition that its macros make
    text: str = ""  # part of the condition, or of the line that uses the macro
    behind: str = ""  # part of what stands before the condition on its line
    function: str = ""  # part of the first line of a function: all of its conditions
    side: str = ""  # "true" or "false"; both without it
    excluded: int = 0
    reached: int = 0

    def covers(self, file: str, outcome: Outcome) -> bool:
        return ((not self.file or file == self.file)
                and (not self.macro or outcome.macro == self.macro)
                and self.text in outcome.text and self.behind in outcome.behind
                and self.function in outcome.function and self.side in ("", outcome.side))

    def is_narrow(self) -> bool:
        """A file alone would hide what is written into it later."""
        return bool(self.macro or self.behind or (self.file and (self.text or self.function)))

    def name(self) -> str:
        parts = [self.file or self.macro, self.function or self.text or self.behind, self.side]
        return ": ".join(part for part in parts if part)


@dataclass
class Exclusion:
    """One reason of not_reachable.toml, and where it holds."""
    why: str
    places: List[Place]


def read_exclusions(path: Path) -> List[Exclusion]:
    with open(path, "rb") as file:
        exclusions = [Exclusion(entry["why"], [Place(**place) for place in entry["places"]])
                      for entry in tomllib.load(file).get("exclusion", [])]
    for exclusion in exclusions:
        if not exclusion.why or not exclusion.places or not all(
                place.is_narrow() and place.side in ("", *SIDES) for place in exclusion.places):
            raise ValueError(f"{path}: an exclusion wants `why`, and `places`, each with `macro`, `behind`, or "
                             "`file` with `text` or `function`")
    return exclusions


def apply_exclusions(files: Dict[str, FileBranches], exclusions: List[Exclusion]) -> None:
    """What was reached stays counted, whatever the list says of it."""
    places = [(exclusion, place) for exclusion in exclusions for place in exclusion.places]
    for name, file in files.items():
        for outcome in file.outcomes:
            for exclusion, place in places:
                if not place.covers(name, outcome):
                    continue
                if outcome.count > 0:
                    place.reached += 1
                elif outcome.why_not is None:
                    outcome.why_not = exclusion.why
                    place.excluded += 1
