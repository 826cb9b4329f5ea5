"""Names and filters for those who listen: abi/generated/trace_names.h and capture.h."""

from .emit_cpp import header, struct
from .names import camel, halves


def _bit_ranges(register):
    """(half's suffix, field name, low, high), cut at the halves' border."""
    for suffix, _, shift in halves(register):
        for f in register.fields:
            low, high = max(f.low, shift), min(f.high, shift + 31)
            if not f.reserved and low <= high:
                yield suffix, f.name, low - shift, high - shift


def _trace_names(contract):
    body = ["// One named range of bits of a register; in the order of the registers' offsets.",
            "struct RegisterFieldInfo {", "  uint32_t register_offset;  // RegisterInfo::offset",
            "  const char* name;", "  uint8_t low;", "  uint8_t high;", "};", "",
            "inline constexpr RegisterFieldInfo kRegisterFields[] = {"]
    for b in contract.blocks:
        for r in b.registers:
            offsets = {suffix: b.base + offset for suffix, offset, _ in halves(r)}
            body += [f'  {{{offsets[suffix]:#x}, "{name}", {low}, {high}}},'
                     for suffix, name, low, high in _bit_ranges(r)]
    body += ["};", "", "// One register of the configuration space.", "struct ConfigRegisterInfo {",
             "  const char* name;", "  uint32_t offset;", "  uint32_t size_bytes;", "};", "",
             "inline constexpr ConfigRegisterInfo kConfigRegisters[] = {"]
    body += [f'  {{"{c.name}", {c.offset:#x}, {c.size}}},' for c in contract.config_registers]
    return header("trace_names", body + ["};"])


def _spans(name, fields):
    spans = [f"{{{m.offset}, {m.size}}}" for m in sorted(fields, key=lambda m: m.offset) if m.captured]
    return [f"inline constexpr CapturedSpan {name}[] = {{{', '.join(spans)}}};"], len(spans)


def _message(contract, message):
    """The lines of its spans, and its row."""
    lines, counts = [], []
    for what, fields in (("Request", message.request),
                         ("Response", contract.response_header + message.response)):
        more, count = _spans(f"k{camel(message.name)}{what}Captured", fields)
        lines += more if count else []
        counts.append((f"k{camel(message.name)}{what}Captured" if count else "nullptr", count))
    tail = max((m.offset + m.size for m in message.request), default=0) if message.captured_tail else 0
    row = ", ".join(f"{name}, {count}" for name, count in counts)
    return lines, f"  {{{message.number}, {row}, {tail}}},"


def _capture(contract):
    body = [f"inline constexpr uint16_t kCapture{camel(k.name)} = {k.value};  // {k.summary}"
            for k in contract.capture_kinds] + [""]
    for s in contract.captures:
        body += [f"// {s.summary}"] + struct(camel(s.name), s.members)
    body += ["struct CapturedSpan {", "  uint32_t offset;", "  uint32_t size_bytes;", "};", "",
             "// Which bytes of a message may stand in a capture; the others are zero there.",
             "struct MessageCapture {", "  uint32_t number;", "  const CapturedSpan* request;",
             "  uint32_t request_count;", "  const CapturedSpan* response;",
             "  uint32_t response_count;",
             "  uint32_t request_tail;  // what follows this offset of the payload may too; 0: it may not",
             "};", ""]
    rows = []
    for m in contract.messages:
        lines, row = _message(contract, m)
        body += lines
        rows.append(row)
    body += ["", "inline constexpr MessageCapture kMessageCaptures[] = {"] + rows + ["};"]
    return header("capture", body, ("cstddef", "cstdint"))


def files(contract):
    return {"abi/generated/trace_names.h": _trace_names(contract),
            "abi/generated/capture.h": _capture(contract)}
