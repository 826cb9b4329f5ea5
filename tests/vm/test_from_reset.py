#!/usr/bin/env python3
"""docs/guide/from-reset.md, line by line, on the device in a packaged QEMU. No guest: the test is the
processor. Names come from abi/*.toml.
"""

import re
import sys
import unittest

from bare_machine import COMMAND_MEMORY, MSIX, PLUGIN, ROOT, VRAM, BareMachine, pack
from test_qemu_device import DeviceTest

from abi import description  # of tools/, as bare_machine's own imports

PAGE = ROOT / "docs/guide/from-reset.md"
MEMORY, MEMORY_STRIDE = 0x1000000, 0x10000  # where the page's `memory` is in the machine
MESSAGES, MESSAGE_DATA = 0x2000000, 0x55    # what a vector writes, 8 bytes apart
MSIX_CAPABILITY, MSIX_ENABLE = 0x11, 1 << 31


def read_page():
    """(number, words) of every line of the bring-up blocks."""
    lines, in_block = [], False
    for number, text in enumerate(PAGE.read_text().splitlines(), 1):
        if text.startswith("```"):
            in_block = text == "```bring-up"
        elif in_block and (words := text.split("#")[0].split()):
            lines.append((number, words))
    return lines


class Names:
    def __init__(self):
        contract = description.load(ROOT / "abi")
        self.opcodes = {command.name: command.opcode for command in contract.commands}
        self.statuses = {status.name: status.code for status in contract.statuses}
        self.registers = {}
        for block in contract.blocks:
            for register in block.registers:
                self._add(block, register)

    def _add(self, block, register):
        halves = [("", 0)] if register.width == 32 else [("_LO", 0), ("_HI", 4)]
        for index in range(max(block.count, register.count)):
            stride = block.size if block.count > 1 else register.width // 8
            number = f"[{index}]" if block.count > 1 or register.count > 1 else ""
            for half, at in halves:
                self.registers[register.name + half + number] = (
                    block.base + register.offset + index * stride + at)


class Page(DeviceTest):
    def term(self, text):
        call = re.fullmatch(r"(\w+)\((\w+)\)", text)
        if not call:
            return int(text, 0)
        kind, name = call.groups()
        return {"opcode": lambda: self.names.opcodes[name],
                "status": lambda: self.names.statuses[name],
                "low": lambda: self.memory[name] & 0xffffffff,
                "high": lambda: self.memory[name] >> 32,
                "cap": lambda: self.machine.find_capability(int(name, 0))}[kind]()

    def value(self, text):
        return sum(self.term(term) for term in text.split("+")) & 0xffffffff

    def place(self, text):
        name, offset = text.split("+")
        return (VRAM if name == "vram" else self.memory[name]) + int(offset, 0)

    def select_config(self, place):
        self.machine.ask(f"outl 0xcf8 {0x80000000 | self.machine.slot << 11 | place & 0xfc:#x}")
        return 0xcfc + (place & 2)

    def read_config(self, place):
        return int(self.machine.ask(f"inw {self.select_config(place):#x}"), 16)

    def write_config(self, place, value):
        self.machine.ask(f"outw {self.select_config(place):#x} {value:#x}")

    def do(self, words):
        getattr(self, f"do_{words[0]}")(*words[1:])

    def do_read(self, register, _, value, *mask):
        wanted = self.value(mask[1]) if mask else 0xffffffff
        self.assertEqual(self.machine.register(self.names.registers[register]) & wanted,
                         self.value(value))

    def do_poll(self, register, _, value, __, mask):
        self.wait_until(lambda: self.machine.register(self.names.registers[register]) &
                        self.value(mask) == self.value(value), register)

    def do_write(self, register, value):
        self.machine.set_register(self.names.registers[register], self.value(value))

    def do_config(self, where, verb, value=None):
        place = self.value(where)
        if verb == "read":
            self.assertEqual(self.read_config(place), self.value(value))
        elif verb == "write":
            self.write_config(place, self.value(value))
        elif verb == "keep":
            self.kept[place] = [self.read_config(place + 2 * i) for i in range(self.value(value))]
        else:
            self.assertEqual(verb, "restore")
            for i, kept in enumerate(self.kept[place]):
                self.write_config(place + 2 * i, kept)

    def do_memory(self, name, size):
        self.assertLessEqual(self.value(size), MEMORY_STRIDE)
        self.memory[name] = MEMORY + MEMORY_STRIDE * len(self.memory)

    def do_store(self, place, *values):
        for i, value in enumerate(values):
            self.machine.write32(self.place(place) + 4 * i, self.value(value))

    def do_load(self, place, _, value):
        self.assertEqual(self.machine.read32(self.place(place)), self.value(value))

    def do_vectors(self, count):
        control = self.machine.find_capability(MSIX_CAPABILITY)
        self.machine.write_config(control, self.machine.read_config(control) | MSIX_ENABLE)
        for vector in range(self.value(count)):
            self.machine.write(MSIX + 16 * vector,
                               pack("QII", MESSAGES + 8 * vector, MESSAGE_DATA, 0))

    def do_wait(self, vector):
        message = MESSAGES + 8 * self.value(vector)
        self.wait_until(lambda: self.machine.read32(message) == MESSAGE_DATA, "the interrupt")
        self.machine.write32(message, 0)

    def test_every_line_is_so(self):
        lines = read_page()
        self.assertGreater(len(lines), 80)
        self.names, self.memory, self.kept = Names(), {}, {}
        with BareMachine() as self.machine:
            self.machine.map_bars(COMMAND_MEMORY)  # as the page finds it
            for number, words in lines:
                with self.subTest(line=number, text=" ".join(words)):
                    self.do(words)


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    unittest.main(argv=sys.argv[:1], verbosity=2)
