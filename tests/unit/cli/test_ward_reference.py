#!/usr/bin/env python3
"""`ward regs, man, completion`, and the units: held against abi/*.toml, groff, bash and systemd.

Usage: test_ward_reference.py WARD
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from ward_tool import ROOT, WARD, description, run, run_json

COMMANDS = ["info", "regs", "peek", "poke", "ring", "dma", "script", "identity", "serve", "top", "replay", "trace",
            "doctor", "completion", "man", "version"]


class Regs(unittest.TestCase):
    def test_every_register_and_field_is_there(self):
        told = {r["name"]: r for r in run_json("regs")}
        registers = [(b, r) for b in description("registers.toml")["block"] for r in b["register"]
                     if "reserved" not in r]
        self.assertEqual(len(told), len(registers))
        for block, register in registers:
            entry = told[register["name"]]
            self.assertEqual(entry["offset"], block["base"] + register["offset"])
            self.assertEqual(entry["summary"], register["summary"])
            self.assertEqual(entry["access"], register["access"])
            named = [f for f in register.get("fields", []) if "reserved" not in f]
            self.assertEqual({f["name"]: f["summary"] for f in entry["fields"]},
                             {f["name"]: f["summary"] for f in named})

    def test_names_of_all_kinds(self):
        self.assertIn("FIRMWARE_STATE", run("regs", "DEVICE_STATUS")[0])
        self.assertIn("QUEUE_STATUS", run("regs", "0x1304")[0])
        self.assertIn("RING_BASE", run("regs", "QUEUE")[0])
        for command in description("commands.toml")["command"]:
            text = run("regs", command["name"])[0]
            self.assertIn(command["summary"], text)
            for field in command["fields"]:
                if "name" in field:
                    self.assertIn(field["summary"], text)
        status = description("status.toml")["status"][1]
        self.assertIn(status["summary"], run("regs", status["name"])[0])
        self.assertIn("did you mean SCRATCH?", run("regs", "SCRATHC", code=1)[1])


class Help(unittest.TestCase):
    def test_every_command_explains_itself(self):
        listed = run("--help")[0]
        for command in COMMANDS:
            self.assertIn(f"  {command} ", listed)
            run(command, "--help")

    def test_manual_pages_are_whole_and_sound(self):
        with tempfile.TemporaryDirectory() as folder:
            run("man", "--all", folder)
            pages = sorted(pathlib.Path(folder).glob("*.1"))
            names = {page.name for page in pages}
            self.assertLessEqual({f"ward-{command}.1" for command in COMMANDS} | {"ward.1"}, names)
            self.assertIn("ward-identity-create.1", names)
            for page in pages:
                text = page.read_text()
                for section in (".TH", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXIT STATUS"):
                    self.assertIn(section, text, page.name)
                if shutil.which("groff"):
                    read = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True)
                    self.assertEqual((read.returncode, read.stderr), (0, ""), page.name)
        self.assertIn("\\-\\-count", run("man", "peek")[0])
        run("man", "nonsense", code=2)


class Completion(unittest.TestCase):
    def complete(self, *words):
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "ward"
            script.write_text(run("completion", "bash")[0])
            done = subprocess.run(
                ["bash", "--norc", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                 '_ward; printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, *words],
                check=True, capture_output=True, text=True)
            self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes(self):
        self.assertLessEqual(set(COMMANDS), set(self.complete("ward", "")))
        self.assertEqual(self.complete("ward", "pe"), ["peek"])
        self.assertEqual(self.complete("ward", "identity", "cr"), ["create"])
        self.assertEqual(self.complete("ward", "peek", "-f", "x", "QUEUE_ST"), ["QUEUE_STATUS"])
        self.assertEqual(self.complete("ward", "ring", "FI"), ["FILL"])
        self.assertIn("--count", self.complete("ward", "peek", "--c"))
        self.assertEqual(self.complete("ward", "peek", "-f", ""), [])

    def test_other_shells_get_every_command(self):
        for shell in ("zsh", "fish"):
            text = run("completion", shell)[0]
            for command in COMMANDS:
                self.assertIn(command, text)
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=text, text=True, check=True)
        run("completion", "tcsh", code=2)


class Units(unittest.TestCase):
    UNITS = ROOT / "packaging"

    def test_systemd_takes_them(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            for unit in ("ward-serve@.service", "ward-serve@.socket"):
                source = self.UNITS / (unit + (".in" if unit.endswith("service") else ""))
                text = source.read_text().replace("@WARD_BINDIR@", str(pathlib.Path(WARD).parent))
                (pathlib.Path(folder) / unit).write_text(text)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                                   *(f"{folder}/ward-serve@gpu0.{kind}" for kind in ("service", "socket"))],
                                  capture_output=True, text=True)
            if "Failed to initialize manager" in done.stderr or "No such file or directory" in done.stderr:
                self.skipTest("systemd-analyze can't work here")
            said = [line for line in done.stderr.splitlines() if "ward-serve" in line]
            self.assertEqual(said, [])

    def test_the_socket_is_its_owners(self):
        self.assertIn("SocketMode=0600", (self.UNITS / "ward-serve@.socket").read_text())
        service = (self.UNITS / "ward-serve@.service.in").read_text()
        # A user of its own for each start reads no file of root's, and writes nowhere else.
        for name in ("device.key", "device.pem", "intermediate.pem", "root.pem"):
            self.assertIn(f"LoadCredential={name}:/etc/ward/%i/{name}\n", service)
        self.assertNotIn("ExecStart=/", service)
        for line in ("RuntimeDirectory=", "StateDirectory=",
                     "ExecStart=@WARD_BINDIR@/ward serve --identity ${CREDENTIALS_DIRECTORY} ",
                     "Type=notify", "NoNewPrivileges=yes", "LimitCORE=0", "ProtectSystem=strict"):
            self.assertIn(line, service)


if __name__ == "__main__":
    unittest.main()
