#include "tests/fuzz/device/page_model.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;

}  // namespace

std::optional<uint64_t> PageModel::Translate(uint32_t context, uint64_t address) const {
  if (context == 0 || context > 2 || address >= kTableReach) return std::nullopt;
  const uint64_t directory = TableOf(context) + 2 * kPage;
  const uint64_t leaves = LoadLe<uint64_t>(vram_->data() + directory) & abi::kPteAddressMask;
  if (!RangeFits(leaves, kPage, vram_->size())) return std::nullopt;
  const uint64_t entry = LoadLe<uint64_t>(vram_->data() + leaves + address / kPage * 8);
  if ((entry & abi::kPteValid) == 0) return std::nullopt;
  const uint64_t place = (entry & abi::kPteAddressMask) + address % kPage;
  return (entry & abi::kPteLocal) != 0 ? place | abi::kPhysicalLocal : place;
}

bool PageModel::LacksInTables(uint32_t context, Right right, uint64_t address,
                              uint64_t size_bytes) const {
  const uint64_t directory = TableOf(context) + 2 * kPage;
  const uint64_t leaves = LoadLe<uint64_t>(vram_->data() + directory) & abi::kPteAddressMask;
  if (!RangeFits(leaves, kPage, vram_->size())) return false;
  const uint64_t needed = abi::kPteValid | (right == Right::kWrite ? abi::kPteWritable : 0);
  for (uint64_t page = address / kPage; page <= (address + size_bytes - 1) / kPage; ++page) {
    if ((LoadLe<uint64_t>(vram_->data() + leaves + page * 8) & needed) != needed) return true;
  }
  return false;
}

std::optional<uint64_t> PageModel::ProtectedPage(uint32_t context, uint64_t address) const {
  const std::optional<uint64_t> place = Translate(context, address);
  constexpr uint64_t kFirst = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  if (!place || *place < kFirst || *place >= kFirst + layout::kProtectedPages * kPage) {
    return std::nullopt;
  }
  return (*place - kFirst) / kPage;
}

void PageModel::OnSessionEnd(uint32_t session) {
  for (uint32_t& owner : owners_) {
    if (owner == session) owner = kUnknown;
  }
}

void PageModel::Take(uint32_t context, uint64_t address, uint64_t size_bytes, uint32_t owner) {
  if (size_bytes == 0 || size_bytes > kTableReach || address >= kTableReach) return;
  for (uint64_t at = address / kPage * kPage; at < address + size_bytes; at += kPage) {
    if (const auto page = ProtectedPage(context, at)) owners_[*page] = owner;
  }
}

uint32_t PageModel::OwnerOf(uint32_t context, uint64_t address, uint64_t size_bytes) const {
  if (size_bytes == 0 || size_bytes > kTableReach || address >= kTableReach) return kUnknown;
  std::optional<uint32_t> all;
  for (uint64_t at = address / kPage * kPage; at < address + size_bytes; at += kPage) {
    const auto page = ProtectedPage(context, at);
    const uint32_t owner = page ? owners_[*page] : kUnknown;
    if (owner == kUnknown || (all && *all != owner)) return kUnknown;
    all = owner;
  }
  return *all;
}

bool PageModel::IsOthers(uint32_t context, uint64_t address, uint64_t size_bytes,
                         uint32_t session) const {
  if (size_bytes == 0 || size_bytes > kTableReach || address >= kTableReach) return false;
  for (uint64_t at = address / kPage * kPage; at < address + size_bytes; at += kPage) {
    const auto page = ProtectedPage(context, at);
    if (page && owners_[*page] != kUnknown && owners_[*page] != session) return true;
  }
  return false;
}

}  // namespace ward::fuzz
