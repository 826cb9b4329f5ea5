"""The reference for people, in C++: abi/generated/reference.h. Whole registers, with the sentences
that abi/*.toml has for them."""

import json

from .emit_cpp import header
from .names import camel, hexadecimal

TYPES = """\
// One named range of bits; in a 64-bit register they count through both halves.
struct FieldReference {
  const char* name;
  uint8_t low;
  uint8_t high;
  RegisterAccess access;
  const char* summary;
};

// One register, or an array of them, as RegisterInfo has it; 64-bit ones are whole here.
struct RegisterReference {
  const char* name;
  const char* block;
  uint32_t offset;
  uint32_t width_bits;
  uint32_t element_count;
  uint32_t block_count;
  uint32_t block_stride;
  RegisterAccess access;
  bool reset_is_option;
  uint64_t reset_value;
  const char* summary;
  const FieldReference* fields;
  uint32_t field_count;
};

struct BlockReference {
  const char* name;
  uint32_t base;
  uint32_t size_bytes;
  uint32_t count;
  const char* summary;
};

struct FlagReference {
  const char* name;
  uint16_t mask;
  const char* summary;
};

// `field_summaries` goes with CommandInfo::fields, one for each.
struct CommandReference {
  uint16_t opcode;
  const char* summary;
  const FlagReference* flags;
  uint32_t flag_count;
  const char* const* field_summaries;
};

constexpr const char* AccessName(RegisterAccess access) {
  constexpr const char* kNames[] = {"ro", "rw", "w1c", "wo", "raz"};
  return kNames[static_cast<int>(access)];
}
"""


def _text(sentence):
    return json.dumps(sentence, ensure_ascii=True)


def _access(access):
    return f"RegisterAccess::k{camel(access)}"


def _registers(contract):
    fields, rows = [], []
    for b in contract.blocks:
        for r in b.registers:
            named = [f for f in r.fields if not f.reserved]
            table = f"k{camel(r.name)}FieldReferences" if named else "nullptr"
            if named:
                fields.append(f"inline constexpr FieldReference {table}[] = {{")
                fields += [f'  {{"{f.name}", {f.low}, {f.high}, {_access(f.access)}, {_text(f.summary)}}},'
                           for f in named]
                fields.append("};")
            option = r.reset == "option"
            rows.append(f'  {{"{r.name}", "{b.name}", {b.base + r.offset:#x}, {r.width}, {r.count}, '
                        f'{b.count}, {b.size if b.count > 1 else 0:#x}, {_access(r.access)}, '
                        f'{"true" if option else "false"}, {hexadecimal(0 if option else r.reset, 64)}, '
                        f'{_text(r.summary)}, {table}, {len(named)}}},')
    return fields + ["", "inline constexpr RegisterReference kRegisterReferences[] = {"] + rows + ["};"]


def _blocks(contract):
    return ["inline constexpr BlockReference kBlockReferences[] = {"] + [
        f'  {{"{b.name}", {b.base:#x}, {b.size:#x}, {b.count}, {_text(b.summary)}}},'
        for b in contract.blocks] + ["};"]


def _commands(contract):
    tables, rows = [], []
    for c in contract.commands:
        name = camel(c.name)
        if c.flags:
            tables.append(f"inline constexpr FlagReference k{name}FlagReferences[] = {{")
            tables += [f'  {{"{f.name}", {f.mask:#x}, {_text(f.summary)}}},' for f in c.flags]
            tables.append("};")
        members = sorted(contract.header + c.members, key=lambda m: m.offset)
        tables.append(f"inline constexpr const char* k{name}FieldSummaries[] = {{")
        tables += [f"  {_text(m.summary)}," for m in members] + ["};"]
        flags = f"k{name}FlagReferences" if c.flags else "nullptr"
        rows.append(f'  {{{c.opcode:#06x}, {_text(c.summary)}, {flags}, {len(c.flags)}, '
                    f'k{name}FieldSummaries}},')
    return tables + ["", "inline constexpr CommandReference kCommandReferences[] = {"] + rows + ["};"]


def files(contract):
    body = TYPES.splitlines() + [""] + _blocks(contract) + [""] + _registers(contract) + [""]
    body += _commands(contract)
    return {"abi/generated/reference.h":
            header("reference", body, ("cstdint", "abi/generated/registers.h"))}
