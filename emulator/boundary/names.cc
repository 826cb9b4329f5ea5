#include "emulator/boundary/names.h"

#include <algorithm>
#include <iterator>

#include "abi/generated/pci.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr uint32_t kRegisterBytes = 4;

// Where `offset` lies in the registers that `info` describes; nothing when it is in none of them.
bool Locate(const abi::RegisterInfo& info, uint64_t offset, NamedRegister* found) {
  if (offset < info.offset || offset % kRegisterBytes != 0) return false;
  const uint64_t distance = offset - info.offset;
  const uint64_t block = info.block_count > 1 ? distance / info.block_stride : 0;
  const uint64_t element = (distance - block * info.block_stride) / kRegisterBytes;
  if (block >= info.block_count || element >= info.element_count) return false;
  *found = {&info, static_cast<uint32_t>(block), static_cast<uint32_t>(element)};
  return true;
}

std::string NameOf(const NamedRegister& place) {
  std::string name = place.info->name;
  if (place.info->block_count > 1) name += fmt::format("[{}]", place.block);
  if (place.info->element_count > 1) name += fmt::format("[{}]", place.element);
  return name;
}

// The last register of `info` at or below `offset`.
uint64_t LastBelow(const abi::RegisterInfo& info, uint64_t offset) {
  const uint64_t distance = offset - info.offset;
  const uint64_t block =
      info.block_count > 1 ? std::min<uint64_t>(distance / info.block_stride, info.block_count - 1)
                           : 0;
  const uint64_t element = std::min<uint64_t>(
      (distance - block * info.block_stride) / kRegisterBytes, info.element_count - 1);
  return info.offset + block * info.block_stride + element * kRegisterBytes;
}

}  // namespace

NamedRegister FindRegister(uint64_t offset) {
  NamedRegister found;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (Locate(info, offset, &found)) return found;
  }
  return found;
}

std::string RegisterName(uint64_t offset) {
  const NamedRegister place = FindRegister(offset);
  if (place.info != nullptr) return NameOf(place);
  uint64_t nearest = UINT64_MAX;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (info.offset > offset) continue;
    const uint64_t last = LastBelow(info, offset);
    if (nearest == UINT64_MAX || last > nearest) nearest = last;
  }
  if (nearest == UINT64_MAX) return fmt::format("{:#x}", offset);
  return fmt::format("{}+{:#x}", NameOf(FindRegister(nearest)), offset - nearest);
}

std::vector<abi::RegisterFieldInfo> FieldsOf(const abi::RegisterInfo& info) {
  std::vector<abi::RegisterFieldInfo> fields;
  std::copy_if(
      std::begin(abi::kRegisterFields), std::end(abi::kRegisterFields), std::back_inserter(fields),
      [&](const abi::RegisterFieldInfo& field) { return field.register_offset == info.offset; });
  return fields;
}

uint32_t FieldValue(const abi::RegisterFieldInfo& field, uint32_t value) {
  const uint64_t mask = (uint64_t{1} << (field.high - field.low + 1)) - 1;
  return static_cast<uint32_t>(value >> field.low & mask);
}

std::string DecodeFields(const abi::RegisterInfo& info, uint32_t value) {
  std::string text;
  for (const abi::RegisterFieldInfo& field : FieldsOf(info)) {
    text += fmt::format(" {}={:#x}", field.name, FieldValue(field, value));
  }
  return text;
}

std::string ConfigName(uint32_t offset) {
  for (const abi::ConfigRegisterInfo& info : abi::kConfigRegisters) {
    if (offset < info.offset || offset >= info.offset + info.size_bytes) continue;
    if (offset == info.offset) return info.name;
    return fmt::format("{}+{:#x}", info.name, offset - info.offset);
  }
  return fmt::format("{:#x}", offset);
}

bool IsNamedConfig(uint32_t offset) {
  return std::any_of(std::begin(abi::kConfigRegisters), std::end(abi::kConfigRegisters),
                     [&](const abi::ConfigRegisterInfo& info) {
                       return offset >= info.offset && offset < info.offset + info.size_bytes;
                     });
}

std::string MsixName(uint64_t offset) {
  constexpr uint64_t kEntryBytes = 16;
  constexpr const char* kParts[] = {"ADDRESS_LO", "ADDRESS_HI", "DATA", "CONTROL"};
  if (offset >= abi::kMsixPbaOffset)
    return fmt::format("PENDING+{:#x}", offset - abi::kMsixPbaOffset);
  return fmt::format("VECTOR{}.{}", offset / kEntryBytes, kParts[offset % kEntryBytes / 4]);
}

std::string SourceName(uint64_t source) {
  for (const abi::RegisterFieldInfo& field : abi::kRegisterFields) {
    if (field.register_offset != abi::kRegInterruptCause) continue;
    if (source < field.low || source > field.high) continue;
    if (field.low == field.high) return field.name;
    return fmt::format("{}{}", field.name, source - field.low);
  }
  return fmt::format("{}", source);
}

}  // namespace ward::emulator
