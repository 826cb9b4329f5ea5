#!/usr/bin/env python3
"""`ward serve --status` and `ward top`: what a server says of itself, held against what was done.

Usage: test_ward_top.py WARD
"""

import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import unittest

from ward_tool import ROOT, WARD, run, run_json

sys.path.insert(0, str(ROOT / "tests/unit/vfio_user"))
from serve_process import Client, Server  # noqa: E402

SHARES = ("contexts", "sessions", "channels", "decoders", "key_slots", "protected_pages")
STATES = ("disabled", "idle", "running", "waiting", "faulted")
# All that a status may say; a test holds each document against it.
SERVER_KEYS = {"version", "uptime_s", "devices"}
DEVICE_KEYS = {"endpoint", "fresh", "age_s", "taken_s", "client", "clients", "messages", "refused_messages",
               "dma_messages", "interrupts", "firmware", "queues", *SHARES}
QUEUE_KEYS = {"queue", "state", "hung", "commands", "refused", "faults", "fences", "bytes"}
FILL = "FILL destination=vram:0x10000 destination_pitch=4096 value=7 row_bytes=4096 row_count=64"
FILL_BYTES = 4096 * 64
OUTSIDE = "FILL destination=0x1000 value=0 row_bytes=4 row_count=1"
DEADLINE_S = 120


def ask(path):
    """One document, and the end of the connection behind it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(DEADLINE_S)
        connection.connect(path)
        text = b""
        while part := connection.recv(65536):
            text += part
    return json.loads(text)


class StatusTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.gpu = os.path.join(self.folder, "gpu.sock")
        self.status = os.path.join(self.folder, "status.sock")

    def serve(self, *more, sockets=None):
        arguments = ["--vram", "1M", "--protected", "1M", "--status", self.status]
        for path in sockets or [self.gpu]:
            arguments += ["--socket", path]
        server = Server(WARD, *arguments, *more)
        self.addCleanup(server.log.close)
        self.addCleanup(server.kill)
        return server

    def ring(self, *commands, code=0):
        run("ring", *commands, "-f", f"vfio-user:{self.gpu}", code=code)

    def device(self):
        return ask(self.status)["devices"][0]

    def device_when(self, is_so):
        """The device's part, once it is so: a client's end takes the server a moment to see."""
        for _ in range(600):
            device = self.device()
            if device["fresh"] and is_so(device):
                return device
            select.select([], [], [], 0.05)
        self.fail(f"it never came to be: {device}")


class Documents(StatusTest):
    def test_a_new_server_has_done_nothing(self):
        self.serve()
        document = ask(self.status)
        device = document["devices"][0]
        self.assertEqual(set(document), SERVER_KEYS)
        self.assertEqual(set(device), DEVICE_KEYS)
        self.assertEqual((document["version"], device["endpoint"]), (1, f"vfio-user:{self.gpu}"))
        self.assertEqual((device["fresh"], device["client"], device["clients"]), (True, {"connected": False}, 0))
        self.assertEqual([q["queue"] for q in device["queues"]], list(range(16)))
        for queue in device["queues"]:
            self.assertEqual(set(queue), QUEUE_KEYS)
            self.assertEqual(queue["state"], "disabled")
            self.assertEqual(sum(queue[name] for name in ("commands", "refused", "faults", "fences", "bytes")), 0)
        for name in SHARES:
            self.assertEqual(device[name]["used"], 0, name)
            self.assertGreater(device[name]["total"], 0, name)
        self.assertEqual(device["protected_pages"]["total"], (1 << 20) // 4096)

    def test_sums_are_those_of_the_work_from_another_terminal(self):
        self.serve()
        self.ring("FENCE INTERRUPT value=1", FILL)  # and the tool's own fence behind them
        first = self.device_when(lambda d: d["clients"] == 1 and not d["client"]["connected"])["queues"][0]
        self.assertEqual((first["commands"], first["fences"], first["faults"]), (3, 2, 0))
        self.assertGreaterEqual(first["bytes"], FILL_BYTES)
        self.assertLess(first["bytes"], FILL_BYTES * 5 // 4)
        self.ring(FILL, FILL)
        self.ring(OUTSIDE, code=1)
        run("dma", "write", "0x1000", "c0ffee00aa", "--verify", "-f", f"vfio-user:{self.gpu}")
        device = self.device_when(lambda d: d["clients"] == 4 and not d["client"]["connected"])
        queue = device["queues"][0]
        self.assertEqual(queue["faults"], 1)
        self.assertGreaterEqual(queue["commands"], 3 + 3 + 2)  # and those of `ward dma`, copies and fences
        self.assertGreaterEqual(queue["bytes"], 3 * FILL_BYTES)
        self.assertGreater(device["messages"], 4)
        self.assertEqual(sum(q["commands"] for q in device["queues"][1:]), 0)
        self.assertEqual(queue["state"], "disabled")

    def test_a_client_and_what_it_holds(self):
        self.serve()
        script = ("ring CONTEXT_CREATE context=1 page_table_root=0x2000\n"
                  "wait-for SCRATCH == 5 within 600s\n")
        holder = subprocess.Popen([WARD, "script", "-", "-f", f"vfio-user:{self.gpu}"], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(holder.stdout.close)
        holder.stdin.write(script)
        holder.stdin.close()
        try:
            device = self.device_when(lambda d: d["contexts"]["used"] == 1)
            self.assertTrue(device["client"]["connected"])
            self.assertGreaterEqual(device["client"]["seconds"], 0)
            # A second one is refused, and the operator is answered all the same.
            run("peek", "SCRATCH", "-f", f"vfio-user:{self.gpu}", code=1)
            self.assertEqual(self.device_when(lambda d: True)["clients"], 1)
        finally:
            holder.kill()
            holder.wait()
        gone = self.device_when(lambda d: not d["client"]["connected"])
        self.assertEqual((gone["contexts"]["used"], gone["clients"]), (0, 1))

    def test_nothing_but_numbers_states_and_the_endpoint_is_said(self):
        self.serve()
        self.ring(FILL)

        def words(value):
            if isinstance(value, dict):
                return [w for part in value.values() for w in words(part)]
            if isinstance(value, list):
                return [w for part in value for w in words(part)]
            return [value] if isinstance(value, str) else []

        document = ask(self.status)
        self.assertEqual(set(words(document)) - set(STATES), {f"vfio-user:{self.gpu}"})
        self.assertEqual(set(document["devices"][0]["firmware"]), {"ready", "messages"})
        for name in SHARES:
            self.assertEqual(set(document["devices"][0][name]), {"used", "total"})

    def test_each_device_has_its_part(self):
        other = os.path.join(self.folder, "other.sock")
        self.serve(sockets=[other, self.gpu])
        self.ring(FILL)
        for _ in range(600):
            idle, busy = ask(self.status)["devices"]
            if busy["clients"] == 1 and not busy["client"]["connected"]:
                break
        self.assertEqual((idle["endpoint"], idle["clients"]), (f"vfio-user:{other}", 0))
        self.assertEqual(sum(q["commands"] for q in idle["queues"]), 0)
        self.assertEqual(busy["queues"][0]["commands"], 2)

    def test_a_stuck_device_is_told_as_it_stood(self):
        self.serve()
        before = self.device()
        self.assertEqual(before["clients"], 0)
        for _ in range(50):  # the server gives such a client up after a second, maybe before we look
            with Client(self.gpu) as client:
                client.ready().wedge()
                device = self.device()
                if not device["fresh"]:
                    break
        self.assertFalse(device["fresh"])
        self.assertGreater(device["age_s"], 0)
        self.assertTrue(self.device_when(lambda d: d["clients"] >= 1)["fresh"])


class Sockets(StatusTest):
    def test_it_is_its_owners_alone_and_goes_with_the_server(self):
        server = self.serve()
        mode = os.stat(self.status).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertFalse(os.path.exists(self.status))

    def test_who_asks_and_says_or_reads_nothing_holds_nobody_up(self):
        self.serve()
        with socket.socket(socket.AF_UNIX) as quiet, socket.socket(socket.AF_UNIX) as loud:
            quiet.connect(self.status)
            loud.connect(self.status)
            loud.send(b"\xff" * 1000)
            self.assertTrue(ask(self.status)["devices"][0]["fresh"])

    def refuse(self, code, path, *texts):
        done = subprocess.run([WARD, "serve", "--socket", self.gpu, "--status", path], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S)
        self.assertEqual(done.returncode, code, done.stderr)
        for text in texts:
            self.assertIn(text, done.stdout + done.stderr)
        self.assertFalse(os.path.exists(self.gpu))

    def test_paths_that_are_refused(self):
        file = pathlib.Path(self.folder) / "file"
        file.write_text("mine")
        self.refuse(1, str(file), "is no socket")
        self.assertEqual(file.read_text(), "mine")
        self.refuse(1, self.gpu, "another server listens")
        self.refuse(1, self.folder + "/none/status", "No such file")
        self.refuse(2, "", "the path is empty")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.status)
            other.listen()
            self.refuse(1, self.status, "another server listens")

    def test_a_server_that_was_killed(self):
        server = self.serve()
        server.kill()
        self.assertTrue(os.path.exists(self.status))
        said = run("top", self.status, "--once", code=1)[1]
        self.assertIn("the server is gone", said)
        self.assertIn("ward serve --status", said)
        self.serve()  # takes its place
        self.assertEqual(self.device()["clients"], 0)

    def test_nobody_and_strangers(self):
        self.assertIn("is not there", run("top", self.status, "--once", code=1)[1])
        self.assertIn("takes 1 to 107", run("top", "x" * 200, "--once", code=1)[1])
        for words in (b"", b"hello", b"{}", b'{"version":2,"uptime_s":1,"devices":[]}',
                      b'{"version":1,"uptime_s":1,"devices":[{"endpoint":"\\u001b[2J"}]}',
                      # It never answered, and yet something of it was taken.
                      b'{"version":1,"uptime_s":1,"devices":[{"endpoint":"e","fresh":false,"taken_s":"str"}]}',
                      b'{"version":1,"uptime_s":1,"devices":[{"endpoint":"e","fresh":false,"rates":"str"}]}'):
            path = os.path.join(self.folder, "stranger")
            with self.subTest(words), socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen()

                def answer():
                    connection, _ = listener.accept()
                    connection.sendall(words)
                    connection.close()

                thread = threading.Thread(target=answer)
                thread.start()
                said = run("top", path, "--once", code=1)[1]
                thread.join()
                self.assertIn("no status of this version", said)
            os.unlink(path)


class Top(StatusTest):
    def test_once_says_what_the_server_says(self):
        self.serve()
        self.ring(FILL)
        self.device_when(lambda d: d["clients"] == 1 and not d["client"]["connected"])
        mine, its = self.device(), run_json("top", self.status, "--once", "--interval", "0")["devices"][0]
        for document in (mine, its):
            del document["age_s"], document["taken_s"]
        self.assertEqual(its, mine)
        text = run("top", self.status, "--once", "--interval", "0")[0]
        for part in (f"vfio-user:{self.gpu}  no client", "1 clients so far", "sessions 0/", "protected pages 0/256"):
            self.assertIn(part, text)
        self.assertRegex(text, r"(?m)^ +0 disabled +2 +- +1 +0 +0 +2[5-9]\d\.\d KiB +-$")
        self.assertNotIn("\x1b", text)

    def test_rates_are_of_two_looks(self):
        self.serve()
        top = subprocess.Popen([WARD, "top", self.status, "--json", "--interval", "0.2"], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(top.stdout.close)
        try:
            before = json.loads(top.stdout.readline())["devices"][0]
            self.assertNotIn("rates", before)
            self.ring(FILL)
            for _ in range(600):
                now = json.loads(top.stdout.readline())["devices"][0]
                queue = now["queues"][0]
                if now["fresh"] and queue["commands"] == 2:
                    break
                before = now
            seconds = now["taken_s"] - before["taken_s"]
            for name, rate in (("commands", "commands_per_s"), ("bytes", "bytes_per_s")):
                self.assertAlmostEqual(queue[rate] * seconds, queue[name] - before["queues"][0][name], 3)
            self.assertAlmostEqual(now["rates"]["messages"] * seconds, now["messages"] - before["messages"], 3)
        finally:
            top.send_signal(signal.SIGINT)
            self.assertEqual(top.wait(DEADLINE_S), 0)

    def test_an_output_that_takes_nothing_ends_it(self):
        self.serve()
        for more in (("--interval", "0.1"), ("--interval", "0.1", "--json"), ("--once", "--interval", "0")):
            with self.subTest(more), open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([WARD, "top", self.status, *more], text=True, stdout=full,
                                      stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=DEADLINE_S, check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertEqual(done.stderr, "ward: the answer could not be written to the standard output\n")

    def test_wrong_usage(self):
        self.assertIn("--once", run("top", self.status, "--interval", "0", code=2)[1])
        run("top", code=2)
        run("top", self.status, "--interval", "-1", code=2)


class Terminal(StatusTest):
    def start(self):
        child, self.terminal = pty.fork()
        if child == 0:
            os.execv(WARD, [WARD, "top", self.status, "--interval", "0.1"])
        self.addCleanup(os.close, self.terminal)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 40, 0, 0))
        self.seen = b""
        return child

    def read_until(self, text, times=1):
        while self.seen.count(text) < times:
            if not select.select([self.terminal], [], [], DEADLINE_S)[0]:
                self.fail(f"{text} was never drawn: {self.seen[-2000:]}")
            try:
                part = os.read(self.terminal, 65536)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                self.fail(f"the end before {text}: {self.seen[-2000:]}")
            self.seen += part

    def finish(self, child):
        """The exit code; the terminal is as it was."""
        self.read_until(b"\x1b[?25h\x1b[?1049l")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        flags = termios.tcgetattr(self.terminal)[3]
        self.assertTrue(flags & termios.ICANON and flags & termios.ECHO)
        return code

    def test_it_redraws_in_place_until_q_or_ctrl_c(self):
        self.serve()
        for key in (b"q", b"\x03"):
            with self.subTest(key):
                child = self.start()
                # The second page, without a cursor.
                self.read_until(b"\x1b[?1049h\x1b[?25l\x1b[H")
                self.read_until(b"\x1b[J\x1b[H", 4)  # frames over each other; the size is ours by now
                frame = self.seen.split(b"\x1b[H")[-2]
                self.seen = b""
                self.assertIn(b"ward serve: up", frame)
                self.assertLessEqual(frame.count(b"\r\n"), 4)
                for line in frame.replace(b"\x1b[J", b"").split(b"\r\n"):
                    # The terminal itself makes a line feed two bytes.
                    self.assertLessEqual(len(line.rstrip(b"\r").removesuffix(b"\x1b[K")), 40)
                os.write(self.terminal, key)
                self.assertEqual(self.finish(child), 0)

    def test_a_server_that_goes(self):
        server = self.serve()
        child = self.start()
        self.read_until(b"ward serve: up")
        server.kill()
        self.assertEqual(self.finish(child), 1)


if __name__ == "__main__":
    unittest.main()
