#include "emulator/cli/replay/register_offsets.h"

#include <fmt/core.h>

#include "abi/generated/registers.h"

namespace ward::emulator {
namespace {

constexpr uint32_t kRegisterBytes = 4;

std::string NameAt(const abi::RegisterInfo& info, uint32_t block, uint32_t element) {
  std::string name = info.name;
  if (info.block_count > 1) name += fmt::format("[{}]", block);
  if (info.element_count > 1) name += fmt::format("[{}]", element);
  return name;
}

// Calls `visit` with each described register's offset and name.
template <typename Visit>
void VisitRegisters(Visit visit) {
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    for (uint32_t block = 0; block < info.block_count; ++block) {
      for (uint32_t element = 0; element < info.element_count; ++element) {
        visit(info, info.offset + block * info.block_stride + element * kRegisterBytes,
              NameAt(info, block, element));
      }
    }
  }
}

}  // namespace

std::string TextOfRegister(uint64_t offset) {
  std::string text = fmt::format("{:#x}", offset);
  VisitRegisters([&](const abi::RegisterInfo&, uint64_t at, const std::string& name) {
    if (at == offset) text = name;
  });
  return text;
}

std::vector<uint32_t> OffsetsOfRegister(const std::string& text) {
  std::vector<uint32_t> offsets;
  VisitRegisters([&](const abi::RegisterInfo& info, uint32_t at, const std::string& name) {
    // A block of arrays by its block alone, too: "OUTPUT_EDID[1]".
    if (text == name || text == info.name || name.starts_with(text + "[")) offsets.push_back(at);
  });
  return offsets;
}

}  // namespace ward::emulator
