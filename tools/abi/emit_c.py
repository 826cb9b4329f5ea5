"""One C header for drivers in C and for the QEMU shim."""

from .names import NOTICE, halves, hexadecimal, member_declaration


def _struct(name, members):
    lines = [f"struct ward_{name.lower()} {{"]
    lines += [f"  {member_declaration(m)};" for m in sorted(members, key=lambda m: m.offset)]
    return lines + ["};", ""]


def files(contract):
    lines = [f"/* {NOTICE} */", "#ifndef WARD_ABI_GENERATED_WARD_ABI_H_",
             "#define WARD_ABI_GENERATED_WARD_ABI_H_", "", "#include <stdint.h>", "",
             "/* clang-format off */"]
    for c in contract.constants:
        bits = 64 if c.value >= 1 << 32 else 32
        lines.append(f"#define WARD_{c.name} {hexadecimal(c.value, bits)} /* {c.summary} */")
    for b in contract.blocks:
        lines += ["", f"/* {b.summary} */"]
        if b.count > 1:
            lines.append(f"#define WARD_{b.name}_BLOCK_COUNT {b.count}")
            lines.append(f"#define WARD_{b.name}_BLOCK_STRIDE {b.size:#x}")
        for r in b.registers:
            for suffix, offset, _ in halves(r):
                lines.append(f"#define WARD_REG_{r.name}{suffix} {b.base + offset:#x} /* {r.summary} */")
            for f in r.fields:
                if not f.reserved:
                    lines.append(f"#define WARD_{r.name}_{f.name}_SHIFT {f.low}")
                    lines.append(f"#define WARD_{r.name}_{f.name}_MASK {hexadecimal(f.mask, r.width)}")
    lines.append("")
    for s in contract.statuses:
        lines.append(f"#define WARD_STATUS_{s.name} {hexadecimal(s.code)} /* {s.summary} */")
    lines.append("")
    for c in contract.commands:
        lines.append(f"#define WARD_OPCODE_{c.name} {c.opcode:#06x} /* {c.summary} */")
        for f in c.flags:
            lines.append(f"#define WARD_{c.name}_FLAG_{f.name} {f.mask:#x}")
    for m in contract.messages:
        lines.append(f"#define WARD_MESSAGE_{m.name} {m.number} /* {m.summary} */")
    lines.append("")
    lines += _struct("command_header", contract.header)
    for c in contract.commands:
        lines += _struct(f"{c.name}_command", contract.header + c.members)
    lines += _struct("response_header", contract.response_header)
    for m in contract.messages:
        if m.request:
            lines += _struct(f"{m.name}_request", m.request)
        if m.response:
            lines += _struct(f"{m.name}_response", contract.response_header + m.response)
    for s in contract.structs:
        lines += _struct(s.name, s.members)
    lines += ["/* clang-format on */", "", "#endif /* WARD_ABI_GENERATED_WARD_ABI_H_ */", ""]
    return {"abi/generated/ward_abi.h": "\n".join(lines)}
