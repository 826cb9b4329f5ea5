"""C++ headers in abi/generated/."""

from .names import NOTICE, camel, halves, hexadecimal, member_declaration


def header(name, body, includes=("cstdint",)):
    guard = f"WARD_ABI_GENERATED_{name.upper()}_H_"
    lines = [f"// {NOTICE}", f"#ifndef {guard}", f"#define {guard}", ""]
    lines += [f"#include <{i}>" if "/" not in i else f'#include "{i}"' for i in includes]
    lines += ["", "// clang-format off", "namespace ward::abi {", ""] + body
    lines += ["", "}  // namespace ward::abi", "// clang-format on", "", f"#endif  // {guard}", ""]
    return "\n".join(lines)


def _constants(contract):
    body = []
    for c in contract.constants:
        bits = 64 if c.value >= 1 << 32 or c.name.startswith(("PTE_", "PHYSICAL_", "MAXIMUM_VISIBLE",
                                                               "MAXIMUM_PROTECTED")) else 32
        kind = "uint64_t" if bits == 64 else "uint32_t"
        body.append(f"inline constexpr {kind} k{camel(c.name)} = {hexadecimal(c.value, bits)};"
                    f"  // {c.summary}")
    return header("pci", body)


def _statuses(contract):
    body = [f"inline constexpr uint32_t kStatus{camel(s.name)} = {hexadecimal(s.code)};"
            for s in contract.statuses]
    body += ["", "enum class StatusClass { kOk, kFault, kRefusal, kAnswer, kDriver, kHost };", "",
             "struct StatusInfo {", "  uint32_t code;", "  const char* name;",
             "  StatusClass status_class;",
             "  uint32_t hresult;  // what the user-mode driver makes of it", "  const char* summary;",
             "};", "", "inline constexpr StatusInfo kStatuses[] = {"]
    values = {h.name: h.value for h in contract.hresults}
    for s in contract.statuses:
        body.append(f'  {{{hexadecimal(s.code)}, "{s.name}", StatusClass::k{camel(s.status_class)}, '
                    f'{hexadecimal(values[s.hresult])}, "{s.summary}"}},')
    body += ["};", "",
             "constexpr const StatusInfo* FindStatus(uint32_t code) {",
             "  for (const StatusInfo& info : kStatuses) {",
             "    if (info.code == code) return &info;", "  }", "  return nullptr;", "}", "",
             "// Name for people; \"?\" for a code that the contract does not have.",
             "constexpr const char* StatusName(uint32_t code) {",
             "  const StatusInfo* info = FindStatus(code);",
             "  return info != nullptr ? info->name : \"?\";", "}", "",
             "constexpr bool StatusStopsQueue(uint32_t code) {",
             "  const StatusInfo* info = FindStatus(code);",
             "  return info != nullptr && info->status_class == StatusClass::kFault;", "}", "",
             "// The HRESULT of a status; E_FAIL for a code that the contract does not have.",
             "constexpr uint32_t StatusHresult(uint32_t code) {",
             "  const StatusInfo* info = FindStatus(code);",
             "  return info != nullptr ? info->hresult : 0x80004005u;", "}"]
    return header("status", body)


def struct(name, members, extra=()):
    lines = [f"struct {name} {{"]
    lines += [f"  {e}" for e in extra]
    for m in sorted(members, key=lambda m: m.offset):
        note = "zero" if m.reserved and not m.unread else m.summary
        lines.append(f"  {member_declaration(m)};  // {note}")
    lines.append("};")
    size = max((m.offset + m.size for m in members), default=0)
    lines.append(f"static_assert(sizeof({name}) == {size});")
    for m in members:
        lines.append(f"static_assert(offsetof({name}, {m.name}) == {m.offset});")
    return lines + [""]


def _field_table(name, members):
    lines = [f"inline constexpr FieldInfo k{name}Fields[] = {{"]
    for m in sorted(members, key=lambda m: m.offset):
        kind = "kReserved" if m.reserved and not m.unread else \
            "kUnread" if m.unread else {"address": "kAddress", "bytes": "kBytes"}.get(m.type, "kNumber")
        lines.append(f'  {{"{m.name}", {m.offset}, {m.size}, FieldKind::{kind}}},')
    return lines + ["};"]


def _fields(contract):
    body = ["enum class FieldKind { kNumber, kAddress, kBytes, kReserved, kUnread };", "",
            "// One field of a command, message or structure in memory.", "struct FieldInfo {",
            "  const char* name;", "  uint32_t offset;", "  uint32_t size_bytes;", "  FieldKind kind;",
            "};", "",
            "// True when every reserved field that lies inside [0, size_bytes) is zero.",
            "inline constexpr bool ReservedIsZero(const FieldInfo* fields, uint32_t field_count,",
            "                                     const uint8_t* bytes, uint32_t size_bytes) {",
            "  for (uint32_t i = 0; i < field_count; ++i) {",
            "    if (fields[i].kind != FieldKind::kReserved) continue;",
            "    const uint32_t field_end = fields[i].offset + fields[i].size_bytes;",
            "    const uint32_t end = field_end < size_bytes ? field_end : size_bytes;",
            "    uint32_t found = 0;  // without a branch for each byte: this runs for every command",
            "    for (uint32_t at = fields[i].offset; at < end; ++at) found |= bytes[at];",
            "    if (found != 0) return false;", "  }", "  return true;", "}"]
    return header("fields", body)


def _commands(contract):
    body = struct("CommandHeader", contract.header)
    for c in contract.commands:
        extra = [f"static constexpr uint16_t kOpcode = {c.opcode:#06x};",
                 f"static constexpr uint32_t kSizeBytes = {c.size};"]
        extra += [f"static constexpr uint16_t kFlag{camel(f.name)} = {1 << f.low:#x};" for f in c.flags]
        body.append(f"// {c.summary}")
        body += struct(f"{camel(c.name)}Command", contract.header + c.members, extra)
    body += ["struct CommandInfo {", "  uint16_t opcode;", "  const char* name;",
             "  uint32_t size_bytes;  // least size when `variable`", "  bool variable;",
             "  bool privileged;   // the kernel's queue only",
             "  bool in_indirect;  // may stand in an indirect buffer", "  bool implemented;",
             "  uint16_t flags;    // every flag that the command has", "  const FieldInfo* fields;",
             "  uint32_t field_count;", "};", ""]
    for c in contract.commands:
        body += _field_table(f"{camel(c.name)}Command", contract.header + c.members)
    body += ["", "inline constexpr CommandInfo kCommands[] = {"]
    for c in contract.commands:
        flags = sum(f.mask for f in c.flags)
        flag = lambda b: "true" if b else "false"  # noqa: E731
        body.append(f'  {{{c.opcode:#06x}, "{c.name}", {c.size}, {flag(c.variable)}, '
                    f'{flag(c.privileged)}, {flag(c.in_indirect)}, {flag(c.implemented)}, {flags:#x}, '
                    f'k{camel(c.name)}CommandFields, {len(c.members) + len(contract.header)}}},')
    body += ["};", "", "constexpr const CommandInfo* FindCommand(uint16_t opcode) {", "  switch (opcode) {"]
    body += [f"    case {c.opcode:#06x}: return &kCommands[{index}];" for index, c in enumerate(contract.commands)]
    body += ["    default: return nullptr;", "  }", "}"]
    return header("commands", body, ("cstddef", "cstdint", "abi/generated/fields.h"))


def _messages(contract):
    body = [f"inline constexpr uint32_t kMessage{camel(m.name)} = {m.number};  // {m.summary}"
            for m in contract.messages] + [""]
    body += struct("ResponseHeader", contract.response_header)
    tables = []
    for m in contract.messages:
        if m.request:
            body += struct(f"{camel(m.name)}Request", m.request)
            tables += _field_table(f"{camel(m.name)}Request", m.request)
        if m.response:
            body += struct(f"{camel(m.name)}Response", contract.response_header + m.response)
    body += ["struct MessageInfo {", "  uint32_t number;", "  const char* name;",
             "  bool privileged;  // the kernel's queue only", "  bool implemented;",
             "  uint32_t request_bytes;   // least size when `request_variable`",
             "  bool request_variable;",
             "  uint32_t response_bytes;  // header included; least size when `response_variable`",
             "  bool response_variable;",
             "  uint64_t latency_fast_ns;       // virtual time, whatever the outcome",
             "  uint64_t latency_realistic_ns;", "  const FieldInfo* request_fields;",
             "  uint32_t request_field_count;", "};", ""] + tables
    body += ["", "inline constexpr MessageInfo kMessages[] = {"]
    flag = lambda b: "true" if b else "false"  # noqa: E731
    for m in contract.messages:
        request = max((x.offset + x.size for x in m.request), default=0)
        response = max((x.offset + x.size for x in m.response), default=16)
        fields = f"k{camel(m.name)}RequestFields" if m.request else "nullptr"
        body.append(f'  {{{m.number}, "{m.name}", {flag(m.privileged)}, {flag(m.implemented)}, {request}, '
                    f'{flag(m.request_variable)}, {response}, {flag(m.response_variable)}, '
                    f'{m.latency_fast_ns}, {m.latency_realistic_ns}, {fields}, {len(m.request)}}},')
    body += ["};", "", "constexpr const MessageInfo* FindMessage(uint32_t number) {",
             "  for (const MessageInfo& info : kMessages) {",
             "    if (info.number == number) return &info;", "  }", "  return nullptr;", "}"]
    return header("messages", body, ("cstddef", "cstdint", "abi/generated/fields.h"))


def _register_constants(contract):
    body = []
    for b in contract.blocks:
        body.append(f"// {b.summary}")
        if b.count > 1:
            body.append(f"inline constexpr uint32_t k{camel(b.name)}BlockCount = {b.count};")
            body.append(f"inline constexpr uint32_t k{camel(b.name)}BlockStride = {b.size:#x};")
        for r in b.registers:
            for suffix, offset, shift in halves(r):
                name = camel(r.name + suffix)
                body.append(f"inline constexpr uint32_t kReg{name} = {b.base + offset:#x};"
                            f"  // {r.summary}")
            for f in r.fields:
                if f.reserved:
                    continue
                kind, bits = ("uint64_t", 64) if r.width == 64 else ("uint32_t", 32)
                name = f"k{camel(r.name)}{camel(f.name)}"
                body.append(f"inline constexpr uint32_t {name}Shift = {f.low};")
                body.append(f"inline constexpr {kind} {name}Mask = {hexadecimal(f.mask, bits)};"
                            f"  // {f.summary}")
        body.append("")
    return body


def _registers(contract):
    body = _register_constants(contract)
    body += ["enum class RegisterAccess { kRo, kRw, kW1c, kWo, kRaz };", "",
             "// One 32-bit register, or an array of them: element e of block b is at",
             "// offset + b * block_stride + e * 4. A 64-bit register is two entries, _LO and _HI.",
             "struct RegisterInfo {", "  const char* name;", "  uint32_t offset;",
             "  uint32_t element_count;", "  uint32_t block_count;", "  uint32_t block_stride;",
             "  RegisterAccess access;",
             "  bool reset_is_option;    // the host's options decide the value after reset",
             "  uint32_t reset_value;", "  uint32_t writable_mask;  // bits that keep what is written",
             "  uint32_t action_mask;    // bits that act when written and read zero", "};", "",
             "inline constexpr RegisterInfo kRegisters[] = {"]
    low = 0xffffffff
    for b in contract.blocks:
        for r in b.registers:
            for suffix, offset, shift in halves(r):
                option = r.reset == "option"
                reset = 0 if option else (r.reset >> shift) & low
                body.append(
                    f'  {{"{r.name}{suffix}", {b.base + offset:#x}, {r.count}, {b.count}, '
                    f'{b.size if b.count > 1 else 0:#x}, RegisterAccess::k{camel(r.access)}, '
                    f'{"true" if option else "false"}, {hexadecimal(reset)}, '
                    f'{hexadecimal((r.writable_mask >> shift) & low)}, '
                    f'{hexadecimal((r.action_mask >> shift) & low)}}},')
    body += ["};"]
    return header("registers", body)


def _private_data(contract):
    body = []
    for s in contract.structs:
        body.append(f"// {s.summary}")
        body += struct(camel(s.name), s.members)
    return header("private_data", body, ("cstddef", "cstdint"))


def files(contract):
    folder = "abi/generated"
    return {f"{folder}/pci.h": _constants(contract), f"{folder}/status.h": _statuses(contract),
            f"{folder}/fields.h": _fields(contract), f"{folder}/commands.h": _commands(contract),
            f"{folder}/messages.h": _messages(contract), f"{folder}/registers.h": _registers(contract),
            f"{folder}/private_data.h": _private_data(contract)}
