#!/usr/bin/env python3
"""A server that ends while a command works on its chip: no command takes all ones for an answer.

Usage: test_gone_server.py WARD
"""

import array
import functools
import json
import os
import select
import socket
import struct
import tempfile
import threading
import unittest

from ward_tool import Served, run, run_json

# docs/spec/vfio-user.md
HEADER = struct.Struct("<HHIII")
ACCESS = struct.Struct("<QII")
REGION_READ, REGION_WRITE = 9, 10
BAR0 = 0
MOST = 1 << 21


def receive(connection):
    """A piece of a conversation, with its descriptors."""
    data, ancillary, _, _ = connection.recvmsg(MOST, socket.CMSG_SPACE(64))
    descriptors = array.array("i")
    for level, kind, part in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(part[:len(part) // 4 * 4])
    return data, descriptors


def is_access(data, command, offset):
    """Whether a client's message is that access of BAR0. It has one request under way at a time."""
    if len(data) < HEADER.size + ACCESS.size or HEADER.unpack_from(data)[1] != command:
        return False
    return ACCESS.unpack_from(data, HEADER.size)[:2] == (offset, BAR0)


class EndingServer:
    """Stands before a served chip, and ends when the client accesses BAR0 so."""

    def __init__(self, chip, command, offset):
        self.chip, self.command, self.offset = chip, command, offset
        self.has_ended = False

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "ending.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return f"vfio-user:{path}"

    def __exit__(self, *trouble):
        self.thread.join(60)
        self.listener.close()
        self.folder.cleanup()

    def _serve(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.chip.removeprefix("vfio-user:"))
        with client, server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data, descriptors = receive(source)
                    self.has_ended = source is client and is_access(data, self.command, self.offset)
                    if not data or self.has_ended:
                        return
                    target = server if source is client else client
                    target.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
                                   if descriptors else [])
                    for descriptor in descriptors:
                        os.close(descriptor)


@functools.cache
def offset_of(register):
    """By a chip of its own, which takes a while to be made."""
    return run_json("peek", register)[0]["offset"]


GONE = "the function does not answer any more: the server closed the connection"


class GoneServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.served = Served()
        cls.chip = cls.served.__enter__()
        cls.addClassCleanup(cls.served.__exit__, None, None, None)

    def fails(self, command, register, *arguments, text=""):
        """What the command printed before it failed, and said, when the server ended so."""
        ending = EndingServer(self.chip, command, offset_of(register))
        with ending as where:
            out, said = run(*arguments, "-f", where, code=1, text=text)
        self.assertTrue(ending.has_ended)
        self.assertIn(GONE, said)
        self.assertNotIn("4294967295", out + said)
        self.assertNotIn("ffffffff", out)
        return out, said

    def test_peek_prints_nothing_that_it_did_not_read(self):
        for flags in ((), ("--json",), ("--explain",)):
            out, _ = self.fails(REGION_READ, "SCRATCH", "peek", "DEVICE_MAGIC", "SCRATCH", *flags)
            self.assertEqual(out, "")

    def test_poke_tells_which_write_was_lost(self):
        for command in (REGION_WRITE, REGION_READ):
            _, said = self.fails(command, "SCRATCH", "poke", "INTERRUPT_CAUSE=0", "SCRATCH=0xffffffff")
            self.assertIn("SCRATCH: ", said)

    def test_info_says_nothing(self):
        for register in ("DEVICE_MAGIC", "ABI_VERSION", "FEATURES", "DEVICE_STATUS"):
            for flags in ((), ("--json",)):
                out, _ = self.fails(REGION_READ, register, "info", *flags)
                self.assertEqual(out, "")

    def test_a_script_stops_at_the_statement(self):
        for command, statement in ((REGION_READ, "expect SCRATCH == 0xffffffff"),
                                   (REGION_READ, "expect SCRATCH != 7"),
                                   (REGION_READ, "wait-for SCRATCH != 0 within 600s"),
                                   (REGION_READ, "wait-for SCRATCH == 5 within 600s"),
                                   (REGION_READ, "print SCRATCH"),
                                   (REGION_WRITE, "poke SCRATCH = 0xffffffff")):
            with self.subTest(statement):
                _, said = self.fails(command, "SCRATCH", "script", "-", text=f"# one\n{statement}\n")
                self.assertTrue(said.startswith(f"-:2: {statement}: {GONE}"), said)

    def test_a_script_says_so_as_json(self):
        with EndingServer(self.chip, REGION_READ, offset_of("SCRATCH")) as where:
            out, _ = run("script", "-", "-f", where, "--json", code=1,
                         text="expect SCRATCH == 0xffffffff\nconfig expect VENDOR_ID == 0xffff\n")
        result = json.loads(out)
        self.assertEqual((result["passed"], result["done"]), (False, 0))
        self.assertIn(GONE, result["failure"]["reason"])

    def test_commands_on_the_queue_end_at_once(self):
        """The time-outs are minutes; those of this file's runs are not."""
        for register in ("DEVICE_STATUS", "QUEUE_STATUS[0]", "REFUSAL_COUNT[0]", "FAULT_STATUS[0]"):
            for arguments in (("ring", "FENCE value=1", "--timeout", "600000"),
                              ("ring", "FENCE value=1", "--timeout", "600000", "--json"),
                              ("dma", "write", "0", "00"), ("dma", "read", "0", "16")):
                with self.subTest(register=register, arguments=arguments):
                    self.assertEqual(self.fails(REGION_READ, register, *arguments)[0], "")
        for arguments in (("ring", "FENCE value=1", "--timeout", "600000"), ("dma", "fill", "0", "4K", "1")):
            with self.subTest(arguments=arguments):
                self.fails(REGION_WRITE, "DOORBELL[0]", *arguments)


if __name__ == "__main__":
    unittest.main()
