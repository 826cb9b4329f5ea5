#!/usr/bin/env python3
"""Gets the headers that the QEMU device object is compiled against, and prints their directory.

They come from the source of exactly the installed qemu-system-x86_64 package, because structures
change between package versions. The source is fetched with the system's own mirrors through a
private apt configuration, configured, and reduced to its headers, cached by package version.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYOUT = 2  # raise when the contents of a cache directory change
STAMP = re.compile(rb"qemu_stamp_([0-9a-f]{40})")
GENERATED = ["config-poison.h", "qapi/qapi-types-error.h"]
CONFIGURE = [
    "--target-list=x86_64-softmmu", "--without-default-features", "--enable-tcg",
    "--enable-modules", "--enable-fdt=system", "--disable-werror", "--audio-drv-list=",
    "--disable-install-blobs",
]
# Those of them that the version has. Without pixman the screen's structures are other ones.
OPTIONAL = ["--with-git-submodules=ignore", "--disable-download", "--enable-pixman"]
KEYRINGS = {
    "Debian": ["debian-archive-keyring.pgp", "debian-archive-keyring.gpg"],
    "Ubuntu": ["ubuntu-archive-keyring.gpg"],
}


class Refusal(Exception):
    """What is wrong and the command that mends it, in one line."""


def say(text):
    print(f"qemu headers: {text}", file=sys.stderr, flush=True)


def output(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


class InstalledQemu:
    """The package version, package string and stamp of the QEMU that will load the device."""

    def __init__(self, program):
        path = shutil.which(program)
        if path is None:
            raise Refusal(f"{program} is not installed: ./dev setup")
        self.path = os.path.realpath(path)
        match = re.search(r"version ([0-9.]+) \((.*)\)", output(path, "--version"))
        try:
            package = output("dpkg", "-S", self.path).split(":")[0]
            query = output("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", package)
        except (OSError, subprocess.CalledProcessError):
            match = None
        if match is None:
            raise Refusal(f"{self.path} is not from a distribution package, so that its exact source "
                          "is not known: apt-get install qemu-system-x86")
        self.version, self.package_string = match.groups()
        self.package = package
        self.source, self.source_version = query.split()
        stamps = set(STAMP.findall(pathlib.Path(self.path).read_bytes()))
        if len(stamps) != 1:
            raise Refusal(f"{self.path} was built without modules and can't load a device object: "
                          "apt-get install qemu-system-x86")
        self.stamp = stamps.pop().decode()

    def __str__(self):
        return f"{self.version} ({self.package_string})"


def system_repositories(package):
    """The (URI, release, component, origin) of every configured index that lists the package."""
    listing = output("apt-get", "indextargets", "--format",
                     "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)", "Created-By: Packages")
    holders = {tuple(line.split("|")[2].split()[:2])
               for line in output("apt-cache", "madison", package).splitlines()
               if line.count("|") >= 2}
    repositories = []
    for line in dict.fromkeys(listing.splitlines()):
        uri, release, component, origin = line.split("|")
        if any(uri.rstrip("/") == holder.rstrip("/") and f"{release}/{component}" == place
               for holder, place in holders):
            repositories.append((uri, release, component, origin))
    if not repositories:
        raise Refusal(f"apt knows no repository with {package}: apt-get update")
    return repositories


def write_apt_files(directory, repositories):
    """A private apt configuration with the source indices of these repositories only."""
    stanzas = []
    for uri, release, component, origin in repositories:
        stanza = f"Types: deb-src\nURIs: {uri}\nSuites: {release}\nComponents: {component}\n"
        keyrings = [pathlib.Path("/usr/share/keyrings", name) for name in KEYRINGS.get(origin, [])]
        present = [str(keyring) for keyring in keyrings if keyring.exists()]
        stanzas.append(stanza + (f"Signed-By: {present[0]}\n" if present else ""))
    (directory / "ward.sources").write_text("\n".join(stanzas))
    (directory / "lists/partial").mkdir(parents=True)
    (directory / "archives/partial").mkdir(parents=True)
    configuration = directory / "apt.conf"
    configuration.write_text(f"""
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "{directory}/ward.sources";
Dir::Etc::sourceparts "-";
Dir::State::lists "{directory}/lists";
Dir::Cache::archives "{directory}/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
Acquire::Languages "none";
""")
    return configuration


def run_logged(log, command, cwd, mend):
    with open(log, "ab") as sink:
        status = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sink,
                                stderr=subprocess.STDOUT).returncode
    if status != 0:
        for line in log.read_text(errors="replace").splitlines()[-12:]:
            print(f"    | {line}", file=sys.stderr)
        raise Refusal(f"{pathlib.Path(command[0]).name} failed, see above: {mend}")


def fetch_source(qemu, directory, log):
    """The unpacked source of exactly the installed version, with the distribution's patches."""
    configuration = write_apt_files(directory, system_repositories(qemu.package))
    run_logged(log, ["apt-get", "-c", str(configuration), "-q", "update"], directory,
               "is the package mirror reachable? try: apt-get update")
    wanted = f"{qemu.source}={qemu.source_version}"
    run_logged(log, ["apt-get", "-c", str(configuration), "-q", "source", "--only-source", wanted],
               directory, f"the mirrors have no source of {wanted} any more, upgrade QEMU: "
               f"apt-get update && apt-get install --only-upgrade {qemu.package}")
    trees = [entry for entry in directory.iterdir() if (entry / "configure").is_file()]
    if len(trees) != 1:
        raise Refusal(f"the source of {wanted} did not unpack: apt-get install dpkg-dev")
    return trees[0]


def configure(qemu, source, directory, log):
    build = directory / "configured"
    build.mkdir()
    known = "".join((source / path).read_text(errors="replace")
                    for path in ("configure", "scripts/meson-buildoptions.sh"))
    options = CONFIGURE + [option for option in OPTIONAL if option.split("=")[0] in known]
    mend = "./dev setup installs what QEMU's configure needs"
    run_logged(log, [str(source / "configure"), *options, f"--with-pkgversion={qemu.package_string}"],
               build, mend)
    run_logged(log, ["ninja", *GENERATED], build, mend)
    stamp = re.search(r"CONFIG_STAMP _([0-9a-f]{40})", (build / "config-host.h").read_text())
    if stamp is None or stamp.group(1) != qemu.stamp:
        raise Refusal(f"the fetched source is not that of {qemu.path}: "
                      f"apt-get install --reinstall {qemu.package}")
    return build


def copy_headers(source, build, target):
    shutil.copytree(source / "include", target / "include",
                    ignore=shutil.ignore_patterns("meson.build", "*.c"))
    shutil.copytree(source / "linux-headers", target / "linux-headers",
                    ignore=shutil.ignore_patterns("asm-*"))
    shutil.copytree(source / "linux-headers/asm-generic", target / "linux-headers/asm-generic")
    shutil.copytree(build / "linux-headers/asm", target / "linux-headers/asm")
    for header in build.glob("*.h"):
        (target / "generated").mkdir(exist_ok=True)
        shutil.copy(header, target / "generated")
    for header in build.glob("qapi/*.h"):
        (target / "generated/qapi").mkdir(exist_ok=True)
        shutil.copy(header, target / "generated/qapi")


def make_headers(qemu, target):
    missing = [tool for tool in ("apt-get", "dpkg-source", "meson", "ninja", "gcc", "pkg-config")
               if shutil.which(tool) is None]
    if missing:
        raise Refusal(f"{', '.join(missing)} not installed: ./dev setup")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as name:
        directory = pathlib.Path(name)
        log = directory / "log"
        say(f"[1/3] fetching the source of {qemu.source} {qemu.source_version}")
        source = fetch_source(qemu, directory, log)
        say("[2/3] configuring it (about 10 s)")
        build = configure(qemu, source, directory, log)
        say("[3/3] keeping its headers")
        made = directory / "made"
        made.mkdir()
        copy_headers(source, build, made)
        (made / "stamp").write_text(qemu.stamp + "\n")
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qemu", default="qemu-system-x86_64", help="the program to build for")
    parser.add_argument("--cache", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("WARD_CACHE_DIR", ROOT / "build")),
                        help="default: $WARD_CACHE_DIR, or build/")
    arguments = parser.parse_args()
    try:
        qemu = InstalledQemu(arguments.qemu)
        name = re.sub(r"[^A-Za-z0-9.+~-]", "_", qemu.package_string)
        target = arguments.cache.resolve() / "qemu" / "headers" / f"{name}.{LAYOUT}"
        stamp = target / "stamp"
        if not (stamp.is_file() and stamp.read_text().strip() == qemu.stamp):
            make_headers(qemu, target)
    except Refusal as refusal:
        say(str(refusal))
        return 1
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
