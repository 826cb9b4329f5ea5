"""Generated blocks of the pages in docs/spec/, between markers that the pages carry."""

from .description import ContractError


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows]
    return lines


def _constants(contract):
    return _table(("name", "value", "meaning"),
                  [(f"`{c.name}`", f"`{c.value:#x}`", c.summary) for c in contract.constants])


def _registers(contract):
    lines = []
    for b in contract.blocks:
        place = f"`{b.base:#x}`"
        if b.count > 1:
            place += f", {b.count} blocks, `{b.size:#x}` apart"
        lines += [f"### {b.name} ({place})", "", b.summary, ""]
        rows = []
        for r in b.registers:
            offset = f"`{r.offset:#x}`" + (f" + 4n, n < {r.count}" if r.count > 1 else "")
            reset = "by option" if r.reset == "option" else f"`{r.reset:#x}`"
            rows.append((offset, f"`{r.name}`", r.width, r.access, reset, r.summary))
            for f in r.fields:
                if not f.reserved:
                    bits = f"{f.high}:{f.low}" if f.high != f.low else f"{f.low}"
                    access = f.access if f.access != r.access else ""
                    rows.append(("", f"&nbsp;&nbsp;`{f.name}`", bits, access, "", f.summary))
        lines += _table(("offset", "register", "width / bits", "access", "reset", "meaning"), rows) + [""]
    return lines[:-1]


def _rows(members):
    return [(m.offset, m.size, "reserved" if m.reserved else f"`{m.name}`",
             "" if m.reserved else m.type, "not read" if m.unread else m.summary)
            for m in sorted(members, key=lambda m: m.offset)]


LAYOUT = ("offset", "size", "field", "type", "meaning")


def _commands(contract):
    lines = ["### Header", ""] + _table(LAYOUT, _rows(contract.header))
    for c in contract.commands:
        marks = [f"opcode `{c.opcode:#06x}`", f"{'at least ' if c.variable else ''}{c.size} bytes"]
        if c.privileged:
            marks.append("the kernel's queue only")
        if not c.in_indirect:
            marks.append("not in an indirect buffer")
        if not c.implemented:
            marks.append("not implemented")
        lines += ["", f"### {c.name}", "", "; ".join(marks) + ".", "", c.summary, ""]
        if c.flags:
            lines += [f"* flag `{f.name}` (bit {f.low}): {f.summary}" for f in c.flags] + [""]
        lines += _table(LAYOUT, _rows(c.members))
    return lines


def _messages(contract):
    lines = ["### Response header", ""] + _table(LAYOUT, _rows(contract.response_header))
    for m in contract.messages:
        lines += ["", f"### {m.name}", "",
                  f"number {m.number}; latency {m.latency_fast_ns} ns (fast), "
                  f"{m.latency_realistic_ns} ns (realistic)"
                  + ("; the kernel's queue only (`MESSAGE_NOT_PERMITTED`)" if m.privileged else "")
                  + ("" if m.implemented else "; not implemented: answers `MESSAGE_UNIMPLEMENTED`")
                  + ".", "", m.summary]
        if m.request:
            lines += ["", "Payload" + (" (at least)" if m.request_variable else "") + ":", ""]
            lines += _table(LAYOUT, _rows(m.request))
        if m.response:
            lines += ["", "Response" + (" (at least)" if m.response_variable else "") + ":", ""]
            lines += _table(LAYOUT, _rows(m.response))
    return lines


def _statuses(contract):
    values = {h.name: h.value for h in contract.hresults}
    return _table(("code", "status", "class", "stops the queue", "HRESULT", "meaning"),
                  [(f"`{s.code:#06x}`", f"`{s.name}`", s.status_class,
                    "yes" if s.status_class == "fault" else "no",
                    f"`{s.hresult}` ({values[s.hresult]:#010x})", s.summary)
                   for s in contract.statuses])


def _structs(contract):
    lines = []
    for s in contract.structs:
        lines += [f"### {s.name}", "", s.summary, ""] + _table(LAYOUT, _rows(s.members)) + [""]
    return lines[:-1]


def _captured(members, tail):
    names = [f"`{m.name}`" for m in sorted(members, key=lambda m: m.offset) if m.captured]
    return ", ".join(names + (["what follows"] if tail else [])) or "nothing"


def _withheld(message):
    named = [f"`{m.name}`" for m in message.request + message.response
             if not m.reserved and not m.captured]
    if message.request_variable and not message.captured_tail:
        named.append("the request's end")
    if message.response_variable:
        named.append("the response's end")
    return ", ".join(named) or "nothing"


def _captures(contract):
    lines = ["### Kinds", ""] + _table(("number", "kind", "packet"),
                                       [(k.value, f"`{k.name}`", k.summary)
                                        for k in contract.capture_kinds])
    for s in contract.captures:
        lines += ["", f"### {s.name}", "", s.summary, ""] + _table(LAYOUT, _rows(s.members))
    lines += ["", "### What of each message", ""]
    return lines + _table(("message", "kept of the payload", "kept of the answer, behind its header",
                           "never kept"),
                          [(f"`{m.name}`", _captured(m.request, m.captured_tail),
                            _captured(m.response, False), _withheld(m))
                           for m in contract.messages])


def blocks(contract):
    """{page: {block name: lines}}."""
    return {"docs/spec/pci.md": {"constants": _constants(contract)},
            "docs/spec/registers.md": {"registers": _registers(contract)},
            "docs/spec/commands.md": {"commands": _commands(contract)},
            "docs/spec/messages.md": {"messages": _messages(contract)},
            "docs/spec/status.md": {"statuses": _statuses(contract)},
            "docs/spec/trace.md": {"captures": _captures(contract)},
            "docs/spec/driver-private-data.md": {"structs": _structs(contract)}}


def fill(path, text, named):
    for name, lines in named.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end of generated: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ContractError(f"{path}: needs the markers '{begin}' and '{end}', once each")
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = head + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + tail
    return text
