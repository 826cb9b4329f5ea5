#!/usr/bin/env python3
"""Makes headers, tables and dictionaries from the contract in abi/*.toml.

Usage: tools/abi_generator.py [--check]
  without an option it writes; --check writes nothing and fails when a file differs.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from abi import (description, dictionary, emit_c, emit_cpp, emit_lua, emit_markdown,  # noqa: E402
                 emit_reference, emit_trace)

ROOT = pathlib.Path(__file__).resolve().parent.parent


def outputs(root, contract):
    """Returns {path: text} of everything that is generated."""
    files = {}
    files.update(emit_cpp.files(contract))
    files.update(emit_trace.files(contract))
    files.update(emit_reference.files(contract))
    files.update(emit_lua.files(contract))
    files.update(emit_c.files(contract))
    files.update(dictionary.files(contract))
    for path, blocks in emit_markdown.blocks(contract).items():
        page = root / path
        if not page.exists():
            raise description.ContractError(f"{path}: the page with the generated block is missing")
        files[path] = emit_markdown.fill(path, page.read_text(), blocks)
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when a generated file differs")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="repository (for tests)")
    arguments = parser.parse_args()
    try:
        contract = description.load(arguments.root / "abi")
        files = outputs(arguments.root, contract)
    except description.ContractError as error:
        print(f"abi_generator: {error}", file=sys.stderr)
        return 1
    stale = []
    for path, text in sorted(files.items()):
        target = arguments.root / path
        if target.exists() and target.read_text() == text:
            continue
        stale.append(path)
        if not arguments.check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    if arguments.check and stale:
        for path in stale:
            print(f"abi_generator: {path} differs from abi/*.toml", file=sys.stderr)
        print("abi_generator: run `python3 tools/abi_generator.py`", file=sys.stderr)
        return 1
    verb = "checked" if arguments.check else "wrote"
    print(f"abi_generator: {verb} {len(files)} files, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
