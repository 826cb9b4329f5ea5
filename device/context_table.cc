#include "device/context_table.h"

#include <algorithm>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"

namespace ward::device {

Result<void> ContextTable::Create(uint32_t context, uint64_t page_table_root) {
  if (context == abi::kKernelContext || context >= kContextCount) {
    return Fault{abi::kStatusOperandInvalid, "context number is not 1 to CONTEXT_COUNT - 1"};
  }
  if (roots_[context] != kFree) {
    return Fault{abi::kStatusContextExists, "context exists already"};
  }
  if (!IsAligned(page_table_root, abi::kPageSize)) {
    return Fault{abi::kStatusAddressMisaligned, "page-table root is not aligned to 4096",
                 page_table_root};
  }
  auto span = memory_->LocalSpan(page_table_root, abi::kPageSize);
  if (!span.ok()) return Fault{span.fault().status, span.fault().reason, page_table_root};
  if (span.value().aperture() != Aperture::kVisible) {
    return Fault{abi::kStatusControlInProtectedMemory, "page-table root is in protected memory",
                 page_table_root};
  }
  roots_[context] = page_table_root;
  changed_ = true;
  return {};
}

void ContextTable::Destroy(uint32_t context) {
  roots_[context] = kFree;
  changed_ = true;
  cache_.Flush();
}

Result<void> ContextTable::CheckUser(uint32_t context) const {
  if (context == abi::kKernelContext || context >= kContextCount || roots_[context] == kFree) {
    return Fault{abi::kStatusContextInvalid, "no such context"};
  }
  return {};
}

uint32_t ContextTable::user_count() const {
  return static_cast<uint32_t>(
      std::count_if(roots_.begin(), roots_.end(), [](uint64_t root) { return root != kFree; }));
}

Result<AddressSpace> ContextTable::Space(uint32_t context) const {
  if (context == abi::kKernelContext) return AddressSpace::Kernel(memory_);
  WARD_TRY(CheckUser(context));
  const bool is_next = HasPlantedBug(PlantedBug::kRootOfNextContext) &&
                       context + 1 < kContextCount && roots_[context + 1] != kFree;
  return AddressSpace::User(memory_, context, roots_[is_next ? context + 1 : context], &cache_);
}

bool ContextTable::CanLoad(const std::vector<uint64_t>& roots) const {
  if (roots.size() != kContextCount) return false;
  ContextTable made(memory_);
  for (uint32_t context = 0; context < kContextCount; ++context) {
    if (roots[context] != kFree && !made.Create(context, roots[context]).ok()) return false;
  }
  return true;
}

void ContextTable::Hash(StateHasher* hasher) const {
  for (uint64_t root : roots_) hasher->Add(root);
}

}  // namespace ward::device
