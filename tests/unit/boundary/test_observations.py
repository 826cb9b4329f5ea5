#!/usr/bin/env python3
"""What the observers wrote, read by others: traces as timelines by Python's json, captures by tshark
with the generated dissector, and that no file holds what is secret.

Usage: test_observations.py WRITE_OBSERVATIONS WARD DISSECTOR
"""

import json
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import unittest

DISSECTOR = sys.argv.pop()
WARD = sys.argv.pop()
WRITE_OBSERVATIONS = sys.argv.pop()

FENCE, FILL, DECRYPT_BLT, SECURITY_MESSAGE = "FENCE", "FILL", "DECRYPT_BLT", "SECURITY_MESSAGE"
BLOB = ":".join(f"{(7 * i + 3) & 255:02x}" for i in range(256))


def flatten(tree):
    """Fields of all levels: where a sub-tree hangs differs among versions of tshark."""
    fields = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            fields.update(flatten(value))
        else:
            fields[key] = value
    return fields


class Observed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        subprocess.run([WRITE_OBSERVATIONS, cls.folder], check=True)


class Trace(Observed):
    def lines(self):
        return (self.folder / "trace.txt").read_text().splitlines()

    def find(self, pattern):
        found = [line for line in self.lines() if re.search(pattern, line)]
        self.assertTrue(found, f"no line like {pattern}")
        return found[0]

    def test_registers_are_named_with_their_fields(self):
        self.find(r"^\[ +0\.0000\d+\] register-write QUEUE_CONTROL\[0\] value=0x1 ENABLE=0x1 RESET=0x0 ")
        self.find(r"register-write RING_BASE_LO\[0\] value=0x10000000 ADDRESS=0x10000$")
        self.find(r"register-read DECODER_COUNT\+0x4 offset=0x60 size=4$")
        self.find(r"config-write COMMAND size=2 value=0x6$")
        self.find(r"msix-write VECTOR0.DATA size=4 value=0x5$")

    def test_commands_messages_and_statuses_are_named(self):
        self.find(r"command FENCE queue=0 position=0x0 indirect=0x0$")
        self.find(r"done FENCE queue=0 position=0x0 indirect=0x0$")
        self.find(r"fence queue=0 value=1$")
        self.find(r"message NEGOTIATE_SESSION_KEY queue=0 context=0 bytes=264$")
        self.find(r"answer KEY_EXCHANGE_FAILED queue=0 bytes=16$")
        self.find(r"refusal DESTINATION_NOT_PROTECTED|refusal SESSION_NO_CONTENT_KEY|refusal SESSION_NO_KEY")
        self.find(r"fault OPCODE_UNKNOWN queue=0 position=0x90 status=0x104$")
        self.find(r"unmodelled command queue=0 position=0x90 opcode=119$")
        self.find(r"reset function ")
        self.find(r"teardown epoch=2$")
        self.find(r"display OUTPUT1 connected=1 width=800 height=600$")

    def test_the_two_forms_say_the_same(self):
        def parse_text(line):
            seconds, rest = re.match(r"\[ *([\d.]+)\] (.*)", line).groups()
            kind, *words = rest.split(" ")
            if words and "=" not in words[0]:
                words[0] = f"name={words[0]}"
            return [int(seconds.replace(".", "")), kind, *words]

        def parse_log(line):
            event, time, *words = line.split(" ")
            return [int(time.removeprefix("time_ns=")), event.removeprefix("ward_").replace("_", "-"),
                    *words]
        log = (self.folder / "trace.log").read_text().splitlines()
        self.assertEqual([parse_text(line) for line in self.lines()], [parse_log(line) for line in log])

    def test_time_never_goes_back(self):
        times = [line[:line.index("]")] for line in self.lines()]
        self.assertEqual(times, sorted(times))


class Timeline(Observed):
    def convert(self, name):
        out = self.folder / "timeline.json"
        subprocess.run([WARD, "trace", "convert", self.folder / name, "-o", out], check=True)
        return json.loads(out.read_text())["traceEvents"]

    def check_structure(self, events):
        """Begin and end match on each track, and time goes on."""
        last, open_names = {}, {}
        for event in events:
            if event["ph"] == "M":
                continue
            track = event["tid"]
            self.assertGreaterEqual(event["ts"], last.get(track, 0))
            last[track] = event["ts"]
            if event["ph"] == "B":
                self.assertNotIn(track, open_names)
                open_names[track] = event["name"]
            elif event["ph"] == "E":
                self.assertEqual(open_names.pop(track), event["name"])
            else:
                self.assertEqual(event["ph"], "i")
        self.assertEqual(open_names, {})

    def test_both_forms_make_the_same_timeline(self):
        text, log = self.convert("trace.txt"), self.convert("trace.log")
        self.check_structure(text)
        self.assertEqual(text, log)

    def test_commands_messages_fences_and_faults_have_tracks(self):
        events = self.convert("trace.txt")
        tracks = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
        on = {}
        for event in events:
            if event["ph"] != "M":
                on.setdefault(tracks[event["tid"]], []).append(event)
        self.assertEqual([e["name"] for e in on["queue 0"] if e["ph"] == "B"][:3],
                         [FENCE, SECURITY_MESSAGE, SECURITY_MESSAGE])
        self.assertEqual([e["args"]["value"] for e in on["fences"]], ["1", "7"])
        messages = on["firmware messages"]
        create, end = messages[0], messages[1]
        self.assertEqual((create["name"], end["ph"], end["args"]["status"]),
                         ("CREATE_SESSION", "E", "OK"))
        self.assertAlmostEqual(end["ts"] - create["ts"], 1.0)  # its charge: 1000 ns
        self.assertIn("OPCODE_UNKNOWN", [e["name"] for e in on["resets and faults"]])
        self.assertIn("interrupts", tracks.values())

    def test_a_trace_with_holes_has_no_end_without_a_beginning(self):
        lines = (self.folder / "trace.txt").read_text().splitlines(keepends=True)
        for step in (2, 3, 5):
            for first in range(step):
                holed = self.folder / "holed.txt"
                holed.write_text("noise of another program\n" + "".join(lines[first::step]))
                self.check_structure(self.convert("holed.txt"))

    def test_what_is_no_trace_is_refused(self):
        (self.folder / "other.txt").write_text("hello\n[x] y z\n")
        result = subprocess.run([WARD, "trace", "convert", self.folder / "other.txt"],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no line of it is one of a trace", result.stderr)


class Capture(Observed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        result = subprocess.run(
            ["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", cls.folder / "ward.pcapng", "-T", "json"],
            capture_output=True, text=True, check=True)
        if "Lua" in result.stderr:
            raise AssertionError(result.stderr)
        cls.packets = [p["_source"]["layers"] for p in json.loads(result.stdout)]
        for packet in cls.packets:
            packet["ward"] = flatten(packet["ward"])

    def of(self, key, value):
        return [p["ward"] for p in self.packets if p["ward"].get(key) == value]

    def test_every_packet_is_dissected_and_has_virtual_time(self):
        for packet in self.packets:
            self.assertIn("ward", packet)
        times = [float(p["frame"]["frame.time_epoch"]) for p in self.packets]
        self.assertEqual(times, sorted(times))
        self.assertLess(times[-1], 1.0)
        self.assertGreater(times[0], 0.0)

    def test_commands_have_the_fields_that_were_sent(self):
        self.assertEqual([p["ward.fence.value"] for p in self.of("ward.command", FENCE)],
                         ["0x0000000000000001", "0x0000000000000007"])
        [fill] = self.of("ward.command", FILL)
        self.assertEqual(fill["ward.fill.destination"], "0x0000000010021000")
        self.assertEqual(int(fill["ward.fill.value"]), 0x11223344)
        self.assertEqual(int(fill["ward.fill.row_bytes"]), 64)
        [decrypt] = self.of("ward.command", DECRYPT_BLT)
        self.assertEqual(decrypt["ward.decrypt_blt.iv"], "f0:f1:f2:f3:f4:f5:f6:f7:f8:f9:fa:fb:fc:fd:fe:ff")
        self.assertEqual(int(decrypt["ward.decrypt_blt.length_bytes"]), 32)
        self.assertEqual(decrypt["ward.decrypt_blt.source"], "0x0000000010022000")
        self.assertIn(decrypt["ward.decrypt_blt.flags.content_key"], ("1", "True", True))
        self.assertIn(decrypt["ward.decrypt_blt.flags.pattern"], ("0", "False", False))

    def test_messages_have_the_fields_that_were_sent_and_blobs(self):
        [create] = self.of("ward.message", "CREATE_SESSION")
        self.assertEqual(create["ward.create_session.request.crypto_type"],
                         "11:d7:6b:9b:74:4f:c9:41:9e:7b:0b:e2:d7:d9:3b:4f")
        [negotiate] = self.of("ward.message", "NEGOTIATE_SESSION_KEY")
        self.assertEqual(int(negotiate["ward.negotiate_session_key.request.blob_bytes"]), 256)
        self.assertEqual(negotiate["ward.negotiate_session_key.request.tail"], BLOB)
        [answer] = self.of("ward.answer", "NEGOTIATE_SESSION_KEY")
        self.assertEqual(int(answer["ward.status"], 0), self.code("KEY_EXCHANGE_FAILED"))
        [created] = self.of("ward.answer", "CREATE_SESSION")
        self.assertEqual(int(created["ward.status"], 0), 0)
        self.assertEqual(created["ward.create_session.response.session"],
                         negotiate["ward.negotiate_session_key.request.session"])
        self.assertNotIn("ward.create_session.response.handle", created)

    def code(self, status):
        text = pathlib.Path(DISSECTOR).read_text()
        return int(re.search(rf'\[(0x[0-9a-f]+)\] = "{status}"', text).group(1), 0)

    def test_faults_and_refusals_are_packets(self):
        statuses = [int(p["ward.status"], 0) for p in
                    (q["ward"] for q in self.packets) if "ward.command" not in p and
                    "ward.message" not in p and "ward.answer" not in p]
        self.assertIn(self.code("OPCODE_UNKNOWN"), statuses)
        self.assertEqual(len(statuses), 2)

    def test_a_message_that_the_contract_does_not_have_is_a_header_alone(self):
        [unknown] = self.of("ward.message", "message 200")
        self.assertEqual(unknown["ward.header.data_bytes"], "0")
        self.assertEqual(unknown["ward.header.original_bytes"], "16")

    def test_the_file_is_its_owners_alone(self):
        mode = (self.folder / "ward.pcapng").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)


class Secrets(Observed):
    def test_no_file_holds_a_handle_or_random_number(self):
        secrets = json.loads((self.folder / "secrets.json").read_text())
        self.assertGreaterEqual(len(secrets), 3)
        for path in self.folder.iterdir():
            if path.name == "secrets.json":
                continue
            data = path.read_bytes()
            text = data.lower()
            for name, value in secrets.items():
                secret = bytes.fromhex(value)
                self.assertNotEqual(secret, bytes(len(secret)), name)
                for form in (secret, secret[::-1]):
                    half = max(8, len(form) // 2)
                    for part in (form[:half], form[-half:]):
                        self.assertNotIn(part, data, f"{name} in {path.name}")
                        self.assertNotIn(part.hex().encode(), text, f"{name} in {path.name}")
                        self.assertNotIn(str(int.from_bytes(part, "little")).encode(), text)


if __name__ == "__main__":
    unittest.main()
