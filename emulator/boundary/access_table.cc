#include "emulator/boundary/access_table.h"

#include <algorithm>
#include <iterator>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "emulator/boundary/names.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

bool IsSame(const AccessEntry& a, const AccessEntry& b) {
  if (a.reason != b.reason || a.kind != b.kind || a.number != b.number) return false;
  return a.reason == AccessReason::kReservedBits || a.detail == b.detail;
}

std::string CommandName(uint64_t opcode) {
  const abi::CommandInfo* info = abi::FindCommand(static_cast<uint16_t>(opcode));
  if (info != nullptr) return info->name;
  if (opcode == 0) return "queue";  // its ring, not one of its commands
  return opcode == 0xffff ? "opcode above 0xff" : fmt::format("opcode {:#x}", opcode);
}

std::string MessageName(uint64_t number) {
  const abi::MessageInfo* info = abi::FindMessage(static_cast<uint32_t>(number));
  if (info != nullptr) return info->name;
  return number == 0xffff ? "message above 255" : fmt::format("message {}", number);
}

std::string NamedBits(const AccessEntry& entry) {
  return fmt::format("reserved bits {:#010x}", entry.detail);
}

}  // namespace

void AccessTable::Count(const AccessEntry& access) {
  ++total_;
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const AccessEntry& entry) { return IsSame(entry, access); });
  if (known != entries_.end()) {
    ++known->count;
    known->detail |= access.reason == AccessReason::kReservedBits ? access.detail : 0;
    known->last_ns = access.last_ns;
    known->before = access.before;
    return;
  }
  if (entries_.size() < kEntries) {
    entries_.push_back(access);
    return;
  }
  const auto least = std::min_element(
      entries_.begin(), entries_.end(), [](const AccessEntry& a, const AccessEntry& b) {
        return a.count != b.count ? a.count < b.count : a.last_ns < b.last_ns;
      });
  forgotten_ += least->count;
  *least = access;
}

std::vector<AccessEntry> AccessTable::Ranked() const {
  std::vector<AccessEntry> ranked = entries_;
  std::sort(ranked.begin(), ranked.end(), [](const AccessEntry& a, const AccessEntry& b) {
    if (a.count != b.count) return a.count > b.count;
    return a.first_ns != b.first_ns ? a.first_ns < b.first_ns : a.number < b.number;
  });
  return ranked;
}

std::string AccessName(const AccessEntry& entry) {
  switch (entry.kind) {
    case AccessKind::kRead:
    case AccessKind::kWrite:
      return fmt::format("{:#08x} {}", entry.number, RegisterName(entry.number));
    case AccessKind::kConfigWrite:
      return fmt::format("{:#05x} of the configuration space", entry.number);
    case AccessKind::kCommand:
      return CommandName(entry.number);
    case AccessKind::kMessage:
      return MessageName(entry.number);
  }
  return "";
}

const char* KindName(AccessKind kind) {
  constexpr const char* kNames[] = {"read", "write", "config write", "command", "message"};
  static_assert(std::size(kNames) == static_cast<size_t>(AccessKind::kMessage) + 1);
  return kNames[static_cast<size_t>(kind)];
}

std::string ReasonText(const AccessEntry& entry) {
  switch (entry.reason) {
    case AccessReason::kNoRegister:
    case AccessReason::kNoConfig:
      return "no such register";
    case AccessReason::kFeatureAbsent:
      return "a feature that this version does not have";
    case AccessReason::kNoCommand:
      return "no such command";
    case AccessReason::kNoMessage:
      return "no such message";
    case AccessReason::kCommandAbsent:
    case AccessReason::kMessageAbsent:
      return "described, and not implemented";
    case AccessReason::kAccessSize:
      return fmt::format("access of {} bytes, or not aligned", entry.detail);
    case AccessReason::kReadOnly:
      return "read-only";
    case AccessReason::kReservedBits:
      return NamedBits(entry);
    case AccessReason::kStatus:
    case AccessReason::kAnswer:
      return abi::StatusName(static_cast<uint32_t>(entry.detail));
  }
  return "";
}

}  // namespace ward::emulator
