#!/usr/bin/env python3
"""Holds the pages (*.md) against the tree: a link leads to a file and to a heading that there are, a file that is named
stands there, and a command of ./dev exists. usage: check_pages.py [ROOT]   exit code 1 where something is not so
"""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *#*$")
CODE = re.compile(r"`([^`]+)`")
DEV = re.compile(r"(?:^|[\s`])\./dev ([a-z_]+)")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?")
PLACEHOLDER = re.compile(r"(?:^|[/_.-])[A-Z]{2,}(?:$|[/_.-])")  # NAME_corpus; not README.md
OF_OTHERS = (".dll", ".exe", ".rst")  # what a build makes, and QEMU's pages
CHANGES = "CHANGELOG.md"  # tells of what was


def list_pages(root):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], cwd=root,
                            check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def split(text):
    """(number, line, whether it is code) of a page."""
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
            continue
        yield number, line, is_code


def anchor(heading):
    """As the sites that show such pages make it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(path):
    return {anchor(found[1]) for _, line, is_code in split(path.read_text(encoding="utf-8"))
            if not is_code and (found := HEADING.match(line))}


def judge_link(root, page, target):
    if re.match(r"[a-z]+:", target):
        return None
    name, _, heading = target.partition("#")
    path = (root / page).parent / name if name else root / page
    if not path.exists():
        return f"the link {target} leads to nothing"
    if heading and path.suffix == ".md" and heading not in anchors(path):
        return f"the link {target} leads to no heading of its page"
    return None


def judge_name(root, page, word):
    """A path from the root of the tree, from tests/, or from the page's own folder."""
    parts = word.split("/")
    if not PATH.fullmatch(word) or "..." in word or word.endswith(OF_OTHERS) or any(PLACEHOLDER.search(part) for part in parts if part != "README.md"):
        return None
    places = [place for place in (root, root / "tests", (root / page).parent)
              if parts[0] not in ("build", "out", ".", "..") and (place / parts[0]).is_dir()]
    if not places or any((place / word).exists() or list(place.glob(word + ".*")) for place in places):
        return None
    return f"{word} is not there"


def dev_commands(root):
    """Those of its help."""
    text = (root / "dev").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^  ([a-z]+)\b", text.partition("<<'TEXT'\n")[2].partition("\nTEXT")[0]))


def judge_page(root, page, commands):
    for number, line, is_code in split((root / page).read_text(encoding="utf-8")):
        found = [judge_name(root, page, word) for code in ([line] if is_code else CODE.findall(line)) if page != CHANGES
                 for word in code.split()]
        found += [judge_link(root, page, first or second) for first, second in LINK.findall(line) if not is_code]
        found += [f"there is no command ./dev {name}" for name in DEV.findall(line)
                  if name not in commands and page != CHANGES]
        for mistake in filter(None, found):
            yield f"{page}:{number}: {mistake}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    pages, commands = list_pages(root), dev_commands(root)
    mistakes = [mistake for page in pages for mistake in judge_page(root, page, commands)]
    for mistake in mistakes:
        print(mistake)
    if mistakes:
        print(f"{len(mistakes)} links, files or commands of the pages are not there")
        sys.exit(1)
    print(f"{len(pages)} pages: links, files and commands are there")


if __name__ == "__main__":
    main()
