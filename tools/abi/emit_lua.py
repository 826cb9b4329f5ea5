"""Wireshark's dissector of captures: tables from the contract, and the code that reads them."""

from .names import NOTICE

# Reads the tables above it. Wireshark 3.6 and later.
ENGINE = r'''
local ward = Proto("ward", "WardGPU commands and messages")
local fields = {}
local proto_fields = {}

local function add(key, field)
  fields[key] = field
  proto_fields[#proto_fields + 1] = field
end

local function declare(prefix, list)
  for _, f in ipairs(list) do
    local name = prefix .. "." .. f.name
    if f.type == "bytes" then
      add(name, ProtoField.bytes("ward." .. name, f.name, base.NONE, f.summary))
    elseif f.size == 8 then
      add(name, ProtoField.uint64("ward." .. name, f.name, base.HEX, nil, nil, f.summary))
    elseif f.size == 4 then
      add(name, ProtoField.uint32("ward." .. name, f.name, base.DEC_HEX, f.values, nil, f.summary))
    else
      add(name, ProtoField.uint16("ward." .. name, f.name, base.DEC_HEX, f.values, nil, f.summary))
    end
  end
end

local function show(tree, prefix, list, data)
  for _, f in ipairs(list) do
    if f.offset + f.size <= data:len() then
      local range = data(f.offset, f.size)
      if not f.captured then
        tree:add(range, f.name .. ": not captured")
      elseif f.type == "bytes" then
        tree:add(fields[prefix .. "." .. f.name], range)
      else
        tree:add_le(fields[prefix .. "." .. f.name], range)
      end
    end
  end
end

declare("header", header_fields)
add("command", ProtoField.string("ward.command", "Command"))
add("message", ProtoField.string("ward.message", "Message"))
add("answer", ProtoField.string("ward.answer", "Answer to"))
add("status", ProtoField.uint32("ward.status", "Status", base.HEX, status_names))
for _, command in pairs(commands) do
  declare(command.key, command.fields)
  for _, flag in ipairs(command.flags) do
    local name = command.key .. ".flags." .. flag.name
    add(name, ProtoField.bool("ward." .. name, flag.name, 16, nil, flag.mask, flag.summary))
  end
  add(command.key .. ".tail", ProtoField.bytes("ward." .. command.key .. ".tail", "tail"))
end
for _, message in pairs(messages) do
  declare(message.key .. ".request", message.request)
  declare(message.key .. ".response", message.response)
  add(message.key .. ".request.tail",
      ProtoField.bytes("ward." .. message.key .. ".request.tail", "tail"))
end
ward.fields = proto_fields

local function show_command(tree, number, data)
  local command = commands[number]
  if command == nil then return "command " .. number end
  tree:add(fields["command"], command.name)
  show(tree, command.key, command.fields, data)
  for _, flag in ipairs(command.flags) do
    tree:add_le(fields[command.key .. ".flags." .. flag.name], data(2, 2))
  end
  if data:len() > command.size then
    tree:add(fields[command.key .. ".tail"], data(command.size))
  end
  return command.name
end

local function show_message(tree, number, data, is_answer)
  local message = messages[number]
  local name = message and message.name or ("message " .. number)
  tree:add(fields[is_answer and "answer" or "message"], name)
  if is_answer and data:len() >= 4 then tree:add_le(fields["status"], data(0, 4)) end
  if message == nil then return name end
  local list = is_answer and message.response or message.request
  show(tree, message.key .. (is_answer and ".response" or ".request"), list, data)
  if not is_answer and message.tail > 0 and data:len() > message.tail then
    tree:add(fields[message.key .. ".request.tail"], data(message.tail))
  end
  return name
end

function ward.dissector(buffer, packet, root)
  if buffer:len() < header_bytes then return 0 end
  packet.cols.protocol = "WARD"
  local tree = root:add(ward, buffer(), "WardGPU")
  show(tree:add(buffer(0, header_bytes), "Header"), "header", header_fields, buffer(0, header_bytes))
  local kind = buffer(kind_offset, 2):le_uint()
  local queue = buffer(queue_offset, 4):le_uint()
  local number = buffer(number_offset, 4):le_uint()
  local data = buffer(header_bytes):tvb()
  local text = kind_names[kind] or "?"
  if kind == kind_numbers.COMMAND then
    text = show_command(tree, number, data)
  elseif kind == kind_numbers.MESSAGE then
    text = "message " .. show_message(tree, number, data, false)
  elseif kind == kind_numbers.ANSWER then
    local status = data:len() >= 4 and status_names[data(0, 4):le_uint()] or "?"
    text = "answer " .. show_message(tree, number, data, true) .. " " .. status
  else
    tree:add_le(fields["status"], buffer(number_offset, 4))
    text = text .. " " .. (status_names[number] or "?")
  end
  packet.cols.info = "queue " .. queue .. " " .. text
  return buffer:len()
end

DissectorTable.get("wtap_encap"):add((wtap or wtap_encaps).USER0, ward)
'''


def _text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _field(member, captured, values=None):
    more = f", values = {values}" if values else ""
    return (f'{{ name = "{member.name}", offset = {member.offset}, size = {member.size}, '
            f'type = "{member.type}", captured = {"true" if captured else "false"}{more}, '
            f'summary = {_text(member.summary)} }},')


def _list(name, members, indent, all_captured=False):
    lines = [f"{indent}{name} = {{"]
    lines += [f"{indent}  " + _field(m, all_captured or m.captured)
              for m in sorted(members, key=lambda m: m.offset) if not m.reserved]
    return lines + [f"{indent}}},"]


def _header_tables(contract):
    capture = contract.captures[0]
    at = {m.name: m.offset for m in capture.members}
    lines = ["local status_names = {"]
    lines += [f'  [{s.code:#x}] = "{s.name}",' for s in contract.statuses] + ["}", "local kind_names = {"]
    lines += [f'  [{k.value}] = "{k.name}",' for k in contract.capture_kinds] + ["}", "local kind_numbers = {"]
    lines += [f"  {k.name} = {k.value}," for k in contract.capture_kinds]
    lines += ["}", f"local header_bytes = {capture.size}", f"local kind_offset = {at['kind']}",
              f"local queue_offset = {at['queue']}", f"local number_offset = {at['number']}",
              "local header_fields = {"]
    lines += ["  " + _field(m, True, "kind_names" if m.name == "kind" else None)
              for m in capture.members if not m.reserved]
    return lines + ["}"]


def _command_table(contract):
    lines = ["local commands = {"]
    for c in contract.commands:
        lines += [f'  [{c.opcode:#x}] = {{ name = "{c.name}", key = "{c.name.lower()}", size = {c.size},']
        lines += _list("fields", contract.header + c.members, "    ", True)
        lines += ["    flags = {"]
        lines += [f'      {{ name = "{f.name.lower()}", mask = {f.mask:#x}, summary = {_text(f.summary)} }},'
                  for f in c.flags]
        lines += ["    },", "  },"]
    return lines + ["}"]


def _message_table(contract):
    lines = ["local messages = {"]
    for m in contract.messages:
        tail = max((x.offset + x.size for x in m.request), default=0) if m.captured_tail else 0
        lines += [f'  [{m.number}] = {{ name = "{m.name}", key = "{m.name.lower()}", tail = {tail},']
        lines += _list("request", m.request, "    ")
        lines += _list("response", contract.response_header + m.response, "    ")
        lines += ["  },"]
    return lines + ["}"]


def files(contract):
    lines = [f"-- {NOTICE}", "-- Use: tshark -X lua_script:ward.lua -r FILE, or put it into Wireshark's plugin folder."]
    lines += _header_tables(contract) + _command_table(contract) + _message_table(contract)
    return {"abi/generated/ward.lua": "\n".join(lines) + "\n" + ENGINE}
