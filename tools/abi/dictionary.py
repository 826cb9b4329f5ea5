"""The fuzzers' dictionary: offsets, opcodes, message numbers as little-endian bytes."""

from .names import NOTICE, halves


def _entry(name, value, size):
    text = "".join(f"\\x{byte:02x}" for byte in value.to_bytes(size, "little"))
    return f'{name}="{text}"'


def files(contract):
    lines = [f"# {NOTICE}"]
    for b in contract.blocks:
        for r in b.registers:
            for suffix, offset, _ in halves(r):
                lines.append(_entry(f"reg_{r.name}{suffix}", b.base + offset, 4))
    for c in contract.commands:
        header = c.opcode | c.size << 32
        lines.append(_entry(f"command_{c.name}", header, 8))
    for m in contract.messages:
        lines.append(_entry(f"message_{m.name}", m.number, 4))
    for c in contract.constants:
        if c.name.startswith(("PTE_", "PHYSICAL_LOCAL", "PROTECTED_VRAM")):
            lines.append(_entry(f"constant_{c.name}", c.value, 8))
    return {"tests/fuzz/device.dict": "\n".join(lines) + "\n"}
