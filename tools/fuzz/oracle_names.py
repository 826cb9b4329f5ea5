"""The oracles that the sources of a fuzz target name, and those that something proves.

A name stands in Expect or OracleFell (tests/fuzz/oracle.h): as a literal, as a constant of the same file, or as what a
SecretScanner finds, which is what was added to one. Whatever else stands there is a mistake, so that none is overlooked.
"""
import re
from pathlib import Path
from typing import Iterable, Iterator, List, Set

LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CALL = re.compile(r"\b(Expect|OracleFell)\(")
# Where the name stands among the arguments.
PLACES = {"Expect": 1, "OracleFell": 0}
ADDED = re.compile(r'\bAdd\("(\w+)",')
# Of a target whose oracles are proven by a test of its own (tests/fuzz/oracle_proof.py).
PROOF = "prove_oracles.py"
PROVEN = re.compile(r'"oracle (\w+)"')


class Unreadable(Exception):
    """An oracle whose name can't be found out; the text says where."""


def without_comments(text: str) -> str:
    return re.sub(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*', lambda found: found[0] if found[0][0] == '"' else "", text)


def arguments(text: str, begin: int) -> List[str]:
    """Of a call, from behind its bracket on."""
    found, depth, at, start = [], 0, begin, begin
    while at < len(text):
        literal = LITERAL.match(text, at)
        if literal:
            at = literal.end()
            continue
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            if depth == 0:
                return found + [text[start:at].strip()]
            depth -= 1
        elif text[at] == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
        at += 1
    raise Unreadable("a call does not end")


def names_in(text: str, added: Set[str]) -> Iterator[str]:
    """Of one file's text; `added` are those that scanners of the target find."""
    text = without_comments(text)
    for call in CALL.finditer(text):
        given = arguments(text, call.end())
        word = given[PLACES[call[1]]] if len(given) > PLACES[call[1]] else ""
        literals = LITERAL.findall(word)
        if not literals and word.isidentifier():
            literals = re.findall(rf'\b{word} = "(\w+)";', text)
            if re.search(rf"\b{word} = \w+(?:\.|->)Find\(", text):
                literals += added
        if not literals:
            raise Unreadable(f"{call[1]}({', '.join(given)}) names no oracle that can be read")
        yield from literals


def named(folder: Path) -> Set[str]:
    """The oracles of a target whose sources are in the folder."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*"))
             if path.suffix in (".cc", ".h")}
    added = {name for text in texts.values() for name in ADDED.findall(text)}
    names: Set[str] = set()
    for path, text in texts.items():
        try:
            names.update(names_in(text, added))
        except Unreadable as mistake:
            raise Unreadable(f"{path}: {mistake}") from None
    return names


def proven_by_test(folder: Path) -> Set[str]:
    proof = folder / PROOF
    return set(PROVEN.findall(proof.read_text(encoding="utf-8"))) if proof.is_file() else set()


def without_bug(corpora: Path, target: str, oracles: Iterable[str]) -> List[str]:
    """What a target names, and neither planted bugs with these oracles nor its own test prove."""
    folder = corpora / target
    return sorted(named(folder) - set(oracles) - proven_by_test(folder)) if folder.is_dir() else []


def unnamed(corpora: Path, target: str, oracles: Iterable[str]) -> List[str]:
    """The other way round: bugs' oracles that the target does not have."""
    folder = corpora / target
    of_any = {"sanitizer", "assertion"}
    return sorted(set(oracles) - of_any - named(folder)) if folder.is_dir() else []
