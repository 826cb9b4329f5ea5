"""Reads abi/*.toml and refuses what a contract may not have."""

import re
import tomllib
from dataclasses import dataclass, field

TYPE_BYTES = {"u16": 2, "u32": 4, "u64": 8, "address": 8}
ACCESS = {"ro", "rw", "w1c", "wo", "raz"}
CLASSES = {"ok", "fault", "refusal", "answer", "driver", "host"}
REGISTER_BAR_BYTES = 0x200000


class ContractError(Exception):
    """A mistake in the description, with the place where it stands."""


@dataclass
class BitField:
    name: str
    low: int
    high: int
    access: str
    summary: str
    reserved: bool = False

    @property
    def mask(self):
        return ((1 << (self.high - self.low + 1)) - 1) << self.low


@dataclass
class Register:
    name: str
    offset: int  # from the block's base
    width: int
    count: int
    access: str
    reset: object  # an int, or "option"
    summary: str
    fields: list = field(default_factory=list)

    @property
    def size(self):
        return self.width // 8 * self.count

    @property
    def writable_mask(self):
        if self.access not in ("rw", "w1c"):
            return 0
        if not self.fields:
            return (1 << self.width) - 1
        return sum(f.mask for f in self.fields if not f.reserved and f.access in ("rw", "w1c"))

    @property
    def action_mask(self):
        """Bits that act when written and read zero."""
        if self.access == "wo":
            return (1 << self.width) - 1
        return sum(f.mask for f in self.fields if not f.reserved and f.access == "wo")


@dataclass
class Block:
    name: str
    base: int
    size: int
    count: int
    summary: str
    registers: list


@dataclass
class Member:
    """A field of a structure in memory."""
    name: str
    offset: int
    size: int
    type: str  # u16, u32, u64, address, bytes
    summary: str
    reserved: bool = False
    unread: bool = False
    marked_captured: bool = False

    @property
    def captured(self):
        """Whether its bytes may stand in a capture."""
        return not self.reserved and (self.type in ("u16", "u32") or self.marked_captured)


@dataclass
class Command:
    name: str
    opcode: int
    size: int
    variable: bool
    privileged: bool
    in_indirect: bool
    implemented: bool
    summary: str
    flags: list
    members: list


@dataclass
class Message:
    name: str
    number: int
    privileged: bool
    implemented: bool
    latency_fast_ns: int
    latency_realistic_ns: int
    summary: str
    request: list
    response: list
    request_variable: bool
    response_variable: bool
    captured_tail: bool


@dataclass
class Contract:
    constants: list
    blocks: list
    header: list
    commands: list
    response_header: list
    messages: list
    hresults: list
    statuses: list
    structs: list
    config_registers: list
    captures: list  # structures of captures
    capture_kinds: list


def _read(folder, name):
    path = folder / name
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ContractError(f"{name}: {error}") from error


def _summary(where, table):
    summary = table.get("summary", "").strip()
    if not summary.endswith((".", "?")):
        raise ContractError(f"{where}: needs a `summary` that is a sentence")
    return summary


def _name(where, table):
    name = table.get("name", "")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ContractError(f"{where}: '{name}' is no name")
    return name


def _unique(where, items, key, what):
    seen = {}
    for item in items:
        value = key(item)
        if value in seen:
            raise ContractError(f"{where}: {what} {value:#x} is used by {seen[value]} and {item.name}"
                                if isinstance(value, int)
                                else f"{where}: {what} {value} is used twice")
        seen[value] = item.name


def _keys(where, table, allowed):
    for key in table:
        if key not in allowed:
            raise ContractError(f"{where}: unknown key '{key}'")


def bit_fields(where, tables, width, access):
    fields = []
    for table in tables:
        reserved = "reserved" in table
        bits = table["reserved"] if reserved else table.get("bits", "")
        match = re.fullmatch(r"(\d+)(?::(\d+))?", bits)
        if not match:
            raise ContractError(f"{where}: '{bits}' is no range of bits")
        high = int(match.group(1))
        low = int(match.group(2)) if match.group(2) else high
        if low > high or high >= width:
            raise ContractError(f"{where}: bits {bits} do not fit a register of {width}")
        name = f"reserved_{low}" if reserved else _name(where, table)
        if not reserved:
            _keys(f"{where}.{name}", table, {"name", "bits", "access", "summary"})
        own = table.get("access", access)
        if own not in ACCESS:
            raise ContractError(f"{where}.{name}: unknown access '{own}'")
        summary = "" if reserved else _summary(f"{where}.{name}", table)
        fields.append(BitField(name, low, high, own, summary, reserved))
    fields.sort(key=lambda f: f.low)
    next_bit = 0
    for f in fields:
        if f.low < next_bit:
            raise ContractError(f"{where}: field {f.name} overlaps the one before it")
        if f.low > next_bit:
            raise ContractError(f"{where}: bits {f.low - 1}:{next_bit} are neither named nor reserved")
        next_bit = f.high + 1
    if fields and next_bit != width:
        raise ContractError(f"{where}: bits {width - 1}:{next_bit} are neither named nor reserved")
    _unique(where, [f for f in fields if not f.reserved], lambda f: f.name, "field")
    return fields


def _register(where, table):
    name = _name(where, table)
    where = f"{where}.{name}"
    _keys(where, table, {"name", "offset", "width", "count", "access", "reset", "summary", "fields"})
    width, count = table.get("width", 32), table.get("count", 1)
    if width not in (32, 64) or (width == 64 and count != 1):
        raise ContractError(f"{where}: a register is 32 or 64 bits wide, an array's 32")
    access = table.get("access")
    if access not in ACCESS:
        raise ContractError(f"{where}: unknown access '{access}'")
    reset = table.get("reset")
    if reset != "option" and not (isinstance(reset, int) and 0 <= reset < 1 << width):
        raise ContractError(f"{where}: `reset` is a number of {width} bits or \"option\"")
    fields = bit_fields(where, table.get("fields", []), width, access)
    return Register(name, table["offset"], width, count, access, reset, _summary(where, table), fields)


def _fill(where, spans, begin, end):
    """Refuses overlaps and gaps; spans are (offset, size, name)."""
    position = begin
    for offset, size, name in sorted(spans):
        if offset < position:
            raise ContractError(f"{where}: {name} at {offset:#x} overlaps what is before it")
        if offset > position:
            raise ContractError(f"{where}: {position:#x} to {offset:#x} is neither named nor reserved")
        position = offset + size
    if position != end:
        raise ContractError(f"{where}: ends at {position:#x}, not at {end:#x}")


def blocks(data):
    result = []
    for table in data["block"]:
        name = _name("registers.toml", table)
        _keys(name, table, {"name", "base", "size", "count", "summary", "register"})
        registers, spans = [], []
        for entry in table["register"]:
            if "reserved" in entry:
                spans.append((entry["reserved"], entry["size"], "reserved"))
                continue
            register = _register(name, entry)
            if register.offset % (register.width // 8):
                raise ContractError(f"{name}.{register.name}: is not aligned to its width")
            registers.append(register)
            spans.append((register.offset, register.size, register.name))
        _fill(name, spans, 0, table["size"])
        result.append(Block(name, table["base"], table["size"], table.get("count", 1),
                            _summary(name, table), registers))
    position = 0
    for block in sorted(result, key=lambda b: b.base):
        if block.base < position:
            raise ContractError(f"block {block.name} overlaps the one before it")
        position = block.base + block.size * block.count
    if position > REGISTER_BAR_BYTES:
        raise ContractError("the blocks are larger than BAR0")
    _unique("registers.toml", [r for b in result for r in b.registers], lambda r: r.name, "register")
    return result


def members(where, tables, begin, size=None):
    """Fields of a structure in memory from `begin` to `size` (or to its last field)."""
    result, spans = [], []
    for table in tables:
        if "reserved" in table:
            _keys(where, table, {"reserved", "size", "unread"})
            offset = table["reserved"]
            member = Member(f"reserved_{offset}", offset, table["size"], "bytes", "Zero.", True,
                            table.get("unread", False))
        else:
            name = _name(where, table)
            _keys(f"{where}.{name}", table, {"name", "offset", "type", "size", "summary",
                                               "captured"})
            kind = table["type"]
            if kind == "bytes":
                length = table["size"]
            elif kind in TYPE_BYTES:
                length = TYPE_BYTES[kind]
            else:
                raise ContractError(f"{where}.{name}: unknown type '{kind}'")
            member = Member(name, table["offset"], length, kind, _summary(f"{where}.{name}", table),
                            marked_captured=table.get("captured", False))
            if kind != "bytes" and member.offset % length:
                raise ContractError(f"{where}.{name}: is not at its natural alignment")
        result.append(member)
        spans.append((member.offset, member.size, member.name))
    end = max((o + s for o, s, _ in spans), default=begin)
    _fill(where, spans, begin, end if size is None else size)
    _unique(where, result, lambda m: m.name, "field")
    return result


def _command(table):
    name = _name("commands.toml", table)
    _keys(name, table, {"name", "opcode", "size", "variable", "privileged", "in_indirect",
                        "implemented", "summary", "flags", "fields"})
    size = table["size"]
    if size % 16:
        raise ContractError(f"{name}: a command is a multiple of 16 bytes")
    flags = []
    for flag in table.get("flags", []):
        flag_name = _name(name, flag)
        flags.append(BitField(flag_name, flag["bit"], flag["bit"], "rw",
                              _summary(f"{name}.{flag_name}", flag)))
    _unique(name, flags, lambda f: f.low, "flag bit")
    return Command(name, table["opcode"], size, table.get("variable", False),
                   table.get("privileged", False), table.get("in_indirect", True),
                   table.get("implemented", True), _summary(name, table), flags,
                   members(name, table["fields"], 8, size))


def _message(table):
    name = _name("messages.toml", table)
    _keys(name, table, {"name", "number", "privileged", "implemented", "latency_fast_ns",
                        "latency_realistic_ns", "summary", "request", "response",
                        "request_variable", "response_variable", "captured_tail"})
    if table.get("captured_tail", False) and not table.get("request_variable", False):
        raise ContractError(f"{name}: `captured_tail` is for messages with `request_variable`")
    return Message(name, table["number"], table.get("privileged", False),
                   table.get("implemented", True), table["latency_fast_ns"],
                   table["latency_realistic_ns"], _summary(name, table),
                   members(f"{name} request", table.get("request", []), 0),
                   members(f"{name} response", table.get("response", []), 16),
                   table.get("request_variable", False), table.get("response_variable", False),
                   table.get("captured_tail", False))


@dataclass
class Constant:
    name: str
    value: int
    summary: str


@dataclass
class ConfigRegister:
    name: str
    offset: int
    size: int


@dataclass
class Status:
    name: str
    code: int
    status_class: str
    hresult: str
    summary: str


@dataclass
class Struct:
    name: str
    summary: str
    members: list

    @property
    def size(self):
        return max(m.offset + m.size for m in self.members)


def _statuses(data):
    hresults = [Constant(_name("status.toml", t), t["value"], "") for t in data["hresult"]]
    known = {h.name for h in hresults}
    statuses = []
    for table in data["status"]:
        name = _name("status.toml", table)
        _keys(name, table, {"name", "code", "class", "hresult", "summary"})
        if table["class"] not in CLASSES:
            raise ContractError(f"status.toml: {name}: unknown class '{table['class']}'")
        if table["hresult"] not in known:
            raise ContractError(f"status.toml: {name}: unknown HRESULT '{table['hresult']}'")
        statuses.append(Status(name, table["code"], table["class"], table["hresult"],
                               _summary(name, table)))
    _unique("status.toml", statuses, lambda s: s.code, "code")
    _unique("status.toml", statuses, lambda s: s.name, "name")
    return hresults, statuses


def _structs(data):
    return [Struct(_name("struct", t), _summary(t["name"], t), members(t["name"], t["fields"], 0))
            for t in data["struct"]]


def _config_registers(data):
    result = [ConfigRegister(_name("pci.toml", t), t["offset"], t["size"])
              for t in data["config_register"]]
    _unique("pci.toml", result, lambda c: c.name, "name")
    end = 0
    for register in result:
        if register.offset < end:
            raise ContractError(f"pci.toml: {register.name} overlaps what is before it")
        end = register.offset + register.size
    return result


def load(folder):
    pci = _read(folder, "pci.toml")
    constants = [Constant(_name("pci.toml", t), t["value"], _summary(t["name"], t))
                 for t in pci["constant"]]
    _unique("pci.toml", constants, lambda c: c.name, "name")
    commands_toml = _read(folder, "commands.toml")
    commands = [_command(t) for t in commands_toml["command"]]
    _unique("commands.toml", commands, lambda c: c.opcode, "opcode")
    _unique("commands.toml", commands, lambda c: c.name, "name")
    messages_toml = _read(folder, "messages.toml")
    messages = [_message(t) for t in messages_toml["message"]]
    _unique("messages.toml", messages, lambda m: m.number, "number")
    _unique("messages.toml", messages, lambda m: m.name, "name")
    hresults, statuses = _statuses(_read(folder, "status.toml"))
    capture = _read(folder, "capture.toml")
    kinds = [Constant(_name("capture.toml", t), t["number"], _summary(t["name"], t))
             for t in capture["kind"]]
    _unique("capture.toml", kinds, lambda k: k.value, "number")
    return Contract(constants, blocks(_read(folder, "registers.toml")),
                    members("header", commands_toml["header"]["fields"], 0, 8), commands,
                    members("response header", messages_toml["response_header"]["fields"], 0, 16),
                    messages, hresults, statuses, _structs(_read(folder, "private_data.toml")),
                    _config_registers(pci), _structs(capture), kinds)
