#include "tests/unit/kmd/worked_example.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/bytes.h"
#include "fmt/format.h"

namespace ward::kmd {
namespace {

constexpr int kPolls = 1000;
constexpr uint32_t kPollMs = 10;
constexpr uint32_t kWaitMs = 10000;
constexpr uint32_t kCapabilityPointer = 0x34;
constexpr int kMaximumCapabilities = 48;

// "name(argument)" as its two parts.
std::optional<std::pair<std::string, std::string>> SplitCall(const std::string& term) {
  const size_t open = term.find('(');
  if (open == std::string::npos || term.back() != ')') return std::nullopt;
  return std::pair(term.substr(0, open), term.substr(open + 1, term.size() - open - 2));
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

}  // namespace

std::vector<WorkedExample::Line> WorkedExample::ReadPage(const std::string& path) {
  std::ifstream page(path);
  std::vector<Line> lines;
  bool in_block = false;
  int number = 0;
  for (std::string text; std::getline(page, text);) {
    ++number;
    if (text.starts_with("```")) {
      in_block = text == "```bring-up";
      continue;
    }
    text = text.substr(0, text.find('#'));
    if (in_block && text.find_first_not_of(' ') != std::string::npos) {
      lines.push_back({number, text});
    }
  }
  return lines;
}

std::optional<std::string> WorkedExample::Do(const std::string& line) {
  const Words words = Split(line, ' ');
  try {
    if (words.size() < 2) throw Unreadable();
    const std::string& verb = words[0];
    if (verb == "read" || verb == "poll") return DoRead(words);
    if (verb == "config") return DoConfig(words);
    if (verb == "memory" || verb == "store" || verb == "load") return DoMemory(words);
    if (verb == "write" && words.size() == 3) {
      function_->BarWrite32(0, Register(words[1]), Value(words[2]));
      return std::nullopt;
    }
    if (words.size() != 2 || (verb != "vectors" && verb != "wait")) throw Unreadable();
    const uint32_t number = Value(words[1]);
    const abi::PciError error = verb == "wait" ? function_->WaitInterrupt(number, kWaitMs)
                                               : function_->EnableInterrupts(number);
    if (error == abi::PciError::kNone) return std::nullopt;
    return std::string("the host says: ") + function_->LastErrorText();
  } catch (const Unreadable&) {
    return "can't be read";
  }
}

// read|poll REGISTER is VALUE [mask MASK]
std::optional<std::string> WorkedExample::DoRead(const Words& words) {
  const bool has_mask = words.size() == 6 && words[4] == "mask";
  if ((words.size() != 4 && !has_mask) || words[2] != "is") throw Unreadable();
  const uint32_t offset = Register(words[1]);
  const uint32_t mask = has_mask ? Value(words[5]) : ~0u;
  auto outcome = Compare(function_->BarRead32(0, offset), words[3], mask);
  for (int poll = 0; words[0] == "poll" && outcome.has_value() && poll < kPolls; ++poll) {
    (void)function_->WaitInterrupt(0, kPollMs);
    outcome = Compare(function_->BarRead32(0, offset), words[3], mask);
  }
  return outcome;
}

// config PLACE read|write VALUE, config PLACE keep COUNT, config PLACE restore
std::optional<std::string> WorkedExample::DoConfig(const Words& words) {
  if (words.size() == 3 && words[2] == "restore") return Restore(ConfigPlace(words[1]));
  if (words.size() != 4) throw Unreadable();
  const uint32_t place = ConfigPlace(words[1]);
  if (words[2] == "read") return Compare(function_->ConfigRead(place, 2), words[3], 0xffff);
  if (words[2] == "keep") {
    kept_[place].clear();
    for (uint32_t i = 0; i < Value(words[3]); ++i) {
      kept_[place].push_back(function_->ConfigRead(place + 2 * i, 2));
    }
    return std::nullopt;
  }
  if (words[2] != "write") throw Unreadable();
  function_->ConfigWrite(place, 2, Value(words[3]));
  return std::nullopt;
}

std::optional<std::string> WorkedExample::Restore(uint32_t place) {
  if (kept_.count(place) == 0) throw Unreadable();
  for (const uint32_t value : kept_[place]) {
    function_->ConfigWrite(place, 2, value);
    place += 2;
  }
  return std::nullopt;
}

// memory NAME SIZE, store PLACE VALUE..., load PLACE is VALUE
std::optional<std::string> WorkedExample::DoMemory(const Words& words) {
  if (words.size() < 3) throw Unreadable();
  if (words[0] == "memory") {
    abi::DmaBuffer buffer;
    if (function_->AllocateDma(Value(words[2]), &buffer) != abi::PciError::kNone) {
      return "there is no memory";
    }
    memory_[words[1]] = buffer;
    return std::nullopt;
  }
  uint8_t* place = Place(words[1]);
  if (words[0] == "load") {
    if (words.size() != 4 || words[2] != "is") throw Unreadable();
    return Compare(LoadLe<uint32_t>(place), words[3], ~0u);
  }
  for (size_t i = 2; i < words.size(); ++i) {
    StoreLe<uint32_t>(place + 4 * (i - 2), Value(words[i]));
  }
  return std::nullopt;
}

std::optional<std::string> WorkedExample::Compare(uint32_t found, const std::string& value,
                                                  uint32_t mask) {
  if ((found & mask) == Value(value)) return std::nullopt;
  return fmt::format("it is {:#x}", found & mask);
}

uint32_t WorkedExample::Value(const std::string& sum) {
  uint32_t value = 0;
  for (const std::string& term : Split(sum, '+')) value += Term(term);
  return value;
}

uint32_t WorkedExample::Term(const std::string& term) {
  const auto call = SplitCall(term);
  if (!call.has_value()) return Number(term);
  const auto& [name, argument] = *call;
  if (name == "opcode") {
    for (const abi::CommandInfo& command : abi::kCommands) {
      if (argument == command.name) return command.opcode;
    }
  }
  if (name == "status") {
    for (const abi::StatusInfo& status : abi::kStatuses) {
      if (argument == status.name) return status.code;
    }
  }
  const auto memory = memory_.find(argument);
  if (memory == memory_.end()) throw Unreadable();
  if (name == "low") return static_cast<uint32_t>(memory->second.bus_address);
  if (name == "high") return static_cast<uint32_t>(memory->second.bus_address >> 32);
  throw Unreadable();
}

uint32_t WorkedExample::Number(const std::string& text) {
  const bool is_hex = text.starts_with("0x");
  const std::string_view digits = std::string_view(text).substr(is_hex ? 2 : 0);
  uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    throw Unreadable();
  }
  return value;
}

uint32_t WorkedExample::Register(const std::string& name) {
  const size_t bracket = name.find('[');
  const std::string bare = name.substr(0, bracket);
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (bare != info.name) continue;
    const bool has_index = info.block_count > 1 || info.element_count > 1;
    if (has_index != (bracket != std::string::npos)) throw Unreadable();
    if (!has_index) return info.offset;
    const uint32_t index = Number(name.substr(bracket + 1, name.size() - bracket - 2));
    return info.offset + index * (info.block_count > 1 ? info.block_stride : 4);
  }
  throw Unreadable();
}

uint32_t WorkedExample::ConfigPlace(const std::string& sum) {
  uint32_t place = 0;
  for (const std::string& term : Split(sum, '+')) {
    const auto call = SplitCall(term);
    if (!call.has_value()) {
      place += Number(term);
      continue;
    }
    uint32_t capability = function_->ConfigRead(kCapabilityPointer, 1);
    for (int i = 0; i < kMaximumCapabilities && capability != 0; ++i) {
      if (function_->ConfigRead(capability, 1) == Number(call->second)) break;
      capability = function_->ConfigRead(capability + 1, 1);
    }
    if (call->first != "cap" || capability == 0) throw Unreadable();
    place += capability;
  }
  return place;
}

uint8_t* WorkedExample::Place(const std::string& sum) {
  const size_t plus = sum.find('+');
  if (plus == std::string::npos) throw Unreadable();
  const uint32_t offset = Number(sum.substr(plus + 1));
  const std::string name = sum.substr(0, plus);
  if (name == "vram") return function_->MapBar(2) + offset;
  const auto memory = memory_.find(name);
  if (memory == memory_.end()) throw Unreadable();
  return memory->second.cpu + offset;
}

}  // namespace ward::kmd
