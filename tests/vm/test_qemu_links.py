#!/usr/bin/env python3
"""The links of both outputs in a packaged QEMU, and the faults that the host gives each of them. The
test is the processor: as a driver it asks for HDCP by OPM messages of its own making.

Keys and message codes have the openssl program as the other party.
"""

import os
import unittest
import uuid

from bare_machine import pack
from saved_machine import Saved, openssl, run_tests
from test_qemu_device import KernelQueue

GPU = "/machine/peripheral/gpu0"
CREATE, GET_RANDOM, SET_KEY, CONFIGURE = 32, 34, 35, 37  # docs/spec/messages.md
OUTPUT_LINK, OUTPUT_STRIDE = 0x4018, 0x100
OFF, ON, LOST = 0, 2, 3
SET_PROTECTION_LEVEL = uuid.UUID("9bb9327c-4eb5-4727-9f00-b42b0919c0da").bytes_le  # opmapi.h
HDCP = 8
FAULTS = ("link-fault", "link-fault1")


class Holder:
    """Who holds a protected output: the key under which its settings go, and their number."""

    def __init__(self, test, queue, output):
        self.test, self.queue, self.output = test, queue, output
        self.key = os.urandom(16)
        self.sequence = 1000
        self.number = self.ask(CREATE, pack("II", output, 1))[4]
        words = self.ask(GET_RANDOM, pack("II", self.number, 0))
        secret = pack("4I", *words[4:8]) + self.key + pack("II", 1, self.sequence)
        blob = test.wrap(secret)
        self.ask(SET_KEY, pack("II", self.number, len(blob)) + blob)

    def ask(self, message, payload):
        answer = self.test.send(self.queue, message, payload)
        self.test.assertEqual(answer[0], 0)
        return answer

    def set_level(self, level):
        setting = (SET_PROTECTION_LEVEL + pack("II4I", self.sequence, 16, HDCP, level, 0, 0)
                   ).ljust(4096 - 16, b"\0")
        self.sequence += 1
        omac = bytes.fromhex(openssl(
            "mac", "-cipher", "AES-128-CBC", "-macopt", f"hexkey:{self.key.hex()}", "CMAC",
            data=setting).decode().strip())
        self.ask(CONFIGURE, pack("II", self.number, 4096) + omac + setting)

    def state(self, machine):
        return machine.register(OUTPUT_LINK + self.output * OUTPUT_STRIDE) & 3


class Links(Saved):
    def hold_outputs(self, machine):
        machine.map_bars()
        self.fence = 0
        queue = KernelQueue(machine, ring=0x4000000, ring_size_log2=20)  # settings are long
        return [Holder(self, queue, output) for output in (0, 1)]

    def settle(self, machine, holders, *states):
        self.wait_until(lambda: [holder.state(machine) for holder in holders] == list(states),
                        f"links {states}")

    def test_each_output_has_faults_of_its_own(self):
        with self.machine(properties="display1=on") as machine:
            holders = self.hold_outputs(machine)
            self.settle(machine, holders, OFF, OFF)
            for output, fault in enumerate(FAULTS):
                with self.subTest(fault):
                    for holder in holders:
                        holder.set_level(1)
                    self.settle(machine, holders, ON, ON)
                    machine.monitor.set_property(GPU, fault, "link-lost")
                    self.settle(machine, holders, *[LOST if at == output else ON for at in (0, 1)])
                    holders[output].set_level(0)
                    machine.monitor.set_property(GPU, fault, "negotiation-fails")
                    holders[output].set_level(1)
                    self.settle(machine, holders, *[LOST if at == output else ON for at in (0, 1)])
                    machine.monitor.set_property(GPU, fault, "none")
                    holders[output].set_level(1)
                    self.settle(machine, holders, ON, ON)

    def test_faults_that_are_there_from_the_start_are_the_right_outputs(self):
        for output, fault in enumerate(FAULTS):
            with self.machine(properties=f"display1=on,{fault}=negotiation-fails") as machine:
                holders = self.hold_outputs(machine)
                for holder in holders:
                    holder.set_level(1)
                self.settle(machine, holders, *[LOST if at == output else ON for at in (0, 1)])

    def test_cables_are_the_machines_that_goes_on(self):
        with self.machine(sealed=True, properties="display1=on") as source, \
                self.incoming(sealed=True,
                              properties="display1=on,link-fault1=link-lost") as target:
            holders = self.hold_outputs(source)
            for holder in holders:
                holder.set_level(1)
            self.settle(source, holders, ON, ON)
            path = self.folder / "stream"
            self.save_to(source, path)
            self.load_from(target, path)
            self.settle(target, holders, ON, LOST)


if __name__ == "__main__":
    run_tests("Drives the links of the device's outputs.")
