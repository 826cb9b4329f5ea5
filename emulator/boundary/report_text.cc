#include "emulator/boundary/report_text.h"

#include "emulator/boundary/names.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr double kNsPerSecond = 1e9;
constexpr double kNsPerMillisecond = 1e6;

// "12,345"
std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string CommandText(const LastCommand& command) {
  return command.name == nullptr ? "no command before it"
                                 : fmt::format("after {} on queue {}", command.name, command.queue);
}

std::string AccessLines(const std::vector<AccessEntry>& ranked, bool is_unmodelled) {
  std::string text;
  for (const AccessEntry& entry : ranked) {
    if (IsUnmodelled(entry.reason) != is_unmodelled) continue;
    text += fmt::format("{:>12}  {:<12}  {}: {}; {}\n", Grouped(entry.count), KindName(entry.kind),
                        AccessName(entry), ReasonText(entry), CommandText(entry.before));
  }
  return text.empty() ? "        none\n" : text;
}

// "QUEUE_STATUS[3] (STATE=0x2 HUNG=0x0)"; one field alone is named as REGISTER.FIELD.
std::string PolledName(const SpinRegister& polled) {
  const std::string name = RegisterName(polled.offset);
  const NamedRegister place = FindRegister(polled.offset);
  if (place.info == nullptr) return name;
  const std::vector<abi::RegisterFieldInfo> fields = FieldsOf(*place.info);
  if (fields.empty()) return fmt::format("{} ({:#x})", name, polled.value);
  if (fields.size() == 1) {
    return fmt::format("{}.{} ({:#x})", name, fields[0].name, FieldValue(fields[0], polled.value));
  }
  return fmt::format("{} ({})", name, DecodeFields(*place.info, polled.value).substr(1));
}

std::string LoopName(const SpinEntry& loop) {
  std::string name;
  for (const SpinRegister& polled : loop.registers) {
    name += (name.empty() ? "" : ", ") + PolledName(polled);
  }
  return name;
}

// "STATE 0x2 to 0x1": what changed in the register.
std::string ChangeText(const SpinEntry& loop) {
  const NamedRegister place = FindRegister(loop.changed.offset);
  std::string text;
  if (place.info != nullptr) {
    for (const abi::RegisterFieldInfo& field : FieldsOf(*place.info)) {
      const uint32_t before = FieldValue(field, loop.changed.value);
      const uint32_t after = FieldValue(field, loop.changed_value);
      if (before != after) text += fmt::format(" {} {:#x} to {:#x}", field.name, before, after);
    }
  }
  if (text.empty()) {
    text = fmt::format(" {} {:#x} to {:#x}", RegisterName(loop.changed.offset), loop.changed.value,
                       loop.changed_value);
  }
  return text.substr(1);
}

std::string LoopLine(const SpinEntry& loop) {
  std::string text =
      fmt::format("  driver polls {}: {} reads in {} loops, the longest {} reads in {:.3f} s; {}",
                  LoopName(loop), Grouped(loop.reads), loop.loops, Grouped(loop.longest_reads),
                  static_cast<double>(loop.longest_ns) / kNsPerSecond, CommandText(loop.before));
  if (loop.answered > 0) {
    text += fmt::format("; answered {} times, last {}", loop.answered, ChangeText(loop));
  }
  if (loop.given_up > 0) {
    text += fmt::format("; driver gave up {} times, last after {:.1f} ms", loop.given_up,
                        static_cast<double>(loop.given_up_ns) / kNsPerMillisecond);
  }
  if (loop.is_running) text += "; polls now";
  return text + "\n";
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CommandJson(const LastCommand& command) {
  if (command.name == nullptr) return "null";
  return fmt::format("{{\"name\": {}, \"queue\": {}}}", Quoted(command.name), command.queue);
}

std::string AccessJson(const AccessEntry& entry) {
  return fmt::format(
      "{{\"class\": {}, \"kind\": {}, \"what\": {}, \"number\": {}, \"reason\": {}, \"count\": {}, "
      "\"first_ns\": {}, \"last_ns\": {}, \"command_before\": {}}}",
      Quoted(IsUnmodelled(entry.reason) ? "not modelled" : "refused"), Quoted(KindName(entry.kind)),
      Quoted(AccessName(entry)), entry.number, Quoted(ReasonText(entry)), entry.count,
      entry.first_ns, entry.last_ns, CommandJson(entry.before));
}

std::string LoopJson(const SpinEntry& loop) {
  std::string registers;
  for (const SpinRegister& polled : loop.registers) {
    registers += fmt::format("{}{{\"name\": {}, \"offset\": {}, \"value\": {}}}",
                             registers.empty() ? "" : ", ", Quoted(RegisterName(polled.offset)),
                             polled.offset, polled.value);
  }
  return fmt::format(
      "{{\"registers\": [{}], \"loops\": {}, \"reads\": {}, \"longest_reads\": {}, "
      "\"longest_ns\": {}, \"answered\": {}, \"last_answer\": {}, \"given_up\": {}, "
      "\"given_up_ns\": {}, \"is_running\": {}, \"command_before\": {}}}",
      registers, loop.loops, loop.reads, loop.longest_reads, loop.longest_ns, loop.answered,
      loop.answered > 0 ? Quoted(ChangeText(loop)) : "null", loop.given_up, loop.given_up_ns,
      loop.is_running, CommandJson(loop.before));
}

}  // namespace

std::string ReportText(const AccessTable& accesses, const std::vector<SpinEntry>& loops,
                       uint64_t now_ns) {
  const std::vector<AccessEntry> ranked = accesses.Ranked();
  std::string text = fmt::format("WardGPU: what the driver asked for in vain, until {:.9f} s\n",
                                 static_cast<double>(now_ns) / kNsPerSecond);
  text += "\nNot modelled (nothing implements it), by count:\n" + AccessLines(ranked, true);
  text += "\nRefused (it exists, and this can't be done with it), by count:\n" +
          AccessLines(ranked, false);
  if (accesses.forgotten() > 0) {
    text += fmt::format("\n{} of {} accesses are not listed: rarer ones made room for others.\n",
                        Grouped(accesses.forgotten()), Grouped(accesses.total()));
  }
  text += "\nPolling:\n";
  for (const SpinEntry& loop : loops) text += LoopLine(loop);
  if (loops.empty()) text += "        none\n";
  return text;
}

std::string ReportJson(const AccessTable& accesses, const std::vector<SpinEntry>& loops,
                       uint64_t now_ns) {
  std::string text =
      fmt::format("{{\"now_ns\": {}, \"accesses\": {}, \"forgotten\": {},\n\"unmet\": [", now_ns,
                  accesses.total(), accesses.forgotten());
  bool is_first = true;
  for (const AccessEntry& entry : accesses.Ranked()) {
    text += (is_first ? "\n" : ",\n") + AccessJson(entry);
    is_first = false;
  }
  text += "],\n\"polling\": [";
  is_first = true;
  for (const SpinEntry& loop : loops) {
    text += (is_first ? "\n" : ",\n") + LoopJson(loop);
    is_first = false;
  }
  return text + "]}\n";
}

}  // namespace ward::emulator
