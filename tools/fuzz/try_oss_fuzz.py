#!/usr/bin/env python3
"""Tries packaging/oss-fuzz here, without its images: build.sh with the environment that OSS-Fuzz sets, in
a folder of its own; then each target runs its zipped inputs and some more, with nothing of the tree left.
Ends with `oss-fuzz: 6/6 targets run`; exit code 1 otherwise."""
import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from jobs import Interrupted, end_processes, heed_signals, restore_signals
from targets import ROOT, Target, read_targets

# As OSS-Fuzz's base-builder sets them for libFuzzer and the address sanitizer, with the undefined one.
FLAGS = ("-O1 -fno-omit-frame-pointer -gline-tables-only -fsanitize=address,undefined -fsanitize=fuzzer-no-link"
         " -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION")
ENGINE = "-fsanitize=fuzzer"
RUNS = 100
LIMIT_S = 600
# What the images have that run the targets.
C_LIBRARY = re.compile(r"/(ld-linux|lib(c|m|dl|rt|pthread|resolv|gcc_s)\.so)")


def copy_tree(into: Path) -> None:
    """What a commit would hold."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)


def build(folder: Path, options: argparse.Namespace) -> bool:
    source, out, work = folder / "src/wardgpu", folder / "out", folder / "work"
    for path in (source, out, work):
        path.mkdir(parents=True)
    copy_tree(source)
    shutil.copy2(ROOT / "packaging/oss-fuzz/build.sh", folder / "src/build.sh")
    environment = os.environ | {
        "SRC": str(folder / "src"), "OUT": str(out), "WORK": str(work), "CC": options.cc, "CXX": options.cxx,
        "CFLAGS": options.flags, "LIB_FUZZING_ENGINE": options.engine, "FUZZING_LANGUAGE": "c++",
        "CXXFLAGS": f"{options.flags} {options.cxxflags}".strip(), "WARD_BUILD_JOBS": str(options.jobs)}
    built = subprocess.Popen(["bash", str(folder / "src/build.sh")], cwd=source, env=environment,
                             stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        built.wait()
    finally:
        end_processes([built], with_group=True)
    shutil.rmtree(folder / "src")
    shutil.rmtree(work)
    return built.returncode == 0


def foreign_libraries(program: Path, out: Path):
    """Shared libraries that are neither beside the program nor in the images."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    found = [line.split("=>")[-1].split()[0] for line in listed.splitlines() if "/" in line or "not found" in line]
    return [path for path in found if not path.startswith(str(out)) and not C_LIBRARY.search(path)]


def mistakes_beside(target: Target, out: Path):
    """What is wrong with the files that belong to a target."""
    options = configparser.ConfigParser()
    options.read(out / f"{target.program}.options")
    dictionary = options.get("libfuzzer", "dict", fallback=None)
    if not options.has_section("libfuzzer"):
        yield "it has no options"
    if dictionary and not (out / dictionary).is_file():
        yield f"its options name {dictionary}, which is not there"
    if bool(target.dictionary) != bool(dictionary):
        yield "its options and tests/fuzz/targets.toml do not name the same dictionary"
    for library in foreign_libraries(out / target.program, out):
        yield f"it wants {library}, which no image has"


def run(target: Target, out: Path, folder: Path):
    """Mistakes; the target runs as on a cluster: from somewhere, with a copy of its inputs."""
    program, corpus = out / target.program, folder / "corpora" / target.name
    if not program.is_file():
        return ["it was not built"]
    corpus.mkdir(parents=True)
    try:
        with zipfile.ZipFile(out / f"{target.program}_seed_corpus.zip") as inputs:
            inputs.extractall(corpus)
    except (OSError, zipfile.BadZipFile) as trouble:
        return [f"its first inputs: {trouble}"]
    count = sum(1 for path in corpus.rglob("*") if path.is_file())
    mistakes = list(mistakes_beside(target, out))
    if count != len(list(target.corpus().iterdir())):
        mistakes.append(f"{count} inputs are zipped, and the tree has {len(list(target.corpus().iterdir()))}")
    # As many runs more as the inputs take, and then some.
    command = [str(program), f"-runs={count + RUNS}", f"-artifact_prefix={folder}/", str(corpus)]
    dictionary = out / f"{target.program}.dict"
    done = subprocess.run(command + ([f"-dict={dictionary}"] if dictionary.exists() else []), cwd="/",
                          env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        mistakes.append(f"it fell with exit code {done.returncode}:\n" + "\n".join(done.stderr.splitlines()[-15:]))
    if not re.search(r"Done \d+ runs", done.stderr) and not mistakes:
        mistakes.append("it did not say that it was done")
    return mistakes


def main(words) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default="clang-19")
    parser.add_argument("--cxx", default="clang++-19")
    parser.add_argument("--flags", default=FLAGS)
    parser.add_argument("--cxxflags", default="", help="-stdlib=libc++ is what OSS-Fuzz has")
    parser.add_argument("--engine", default=ENGINE)
    parser.add_argument("--folder", type=Path, help="a new one to work in, which stays; the same path is quick with ccache")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(words)
    kept = heed_signals()
    try:
        if options.folder:
            options.folder.mkdir(parents=True)
            return try_in(options.folder.resolve(), options)
        with tempfile.TemporaryDirectory(prefix="ward-oss-fuzz-") as name:
            return try_in(Path(name), options)
    except Interrupted as interrupted:
        print("oss-fuzz: interrupted", file=sys.stderr)
        return 128 + interrupted.args[0]
    finally:
        restore_signals(kept)


def try_in(folder: Path, options: argparse.Namespace) -> int:
    targets = read_targets()
    if not build(folder, options):
        print("oss-fuzz: build.sh failed")
        return 1
    well = 0
    for target in targets.values():
        mistakes = run(target, folder / "out", folder)
        well += not mistakes
        print(f"{'FAIL' if mistakes else 'ok':4}  {target.program}", flush=True)
        for mistake in mistakes:
            print(f"      {mistake}")
    print(f"oss-fuzz: {well}/{len(targets)} targets run")
    return int(well != len(targets))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
