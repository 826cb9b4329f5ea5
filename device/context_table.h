// The contexts that exist, and the root of each one's page tables. Context 0 is the kernel's and
// always exists.
#ifndef WARD_DEVICE_CONTEXT_TABLE_H_
#define WARD_DEVICE_CONTEXT_TABLE_H_

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "device/address_space.h"
#include "device/directory_cache.h"
#include "device/load_extent.h"
#include "device/memory.h"
#include "device/register_file.h"
#include "device/state_hasher.h"

namespace ward::device {

class ContextTable {
 public:
  static constexpr uint32_t kContextCount = RegisterFile::ResetValue(abi::kRegContextCount);

  explicit ContextTable(const Memory* memory) : memory_(memory), roots_(kContextCount, kFree) {}

  // OPERAND_INVALID, CONTEXT_EXISTS, ADDRESS_MISALIGNED, ADDRESS_OUT_OF_RANGE, or
  // CONTROL_IN_PROTECTED_MEMORY.
  Result<void> Create(uint32_t context, uint64_t page_table_root);
  void Destroy(uint32_t context);
  // A user's context that exists; CONTEXT_INVALID otherwise.
  Result<void> CheckUser(uint32_t context) const;
  // Users' contexts that exist.
  uint32_t user_count() const;
  // CONTEXT_INVALID when it does not exist.
  Result<AddressSpace> Space(uint32_t context) const;

  void Reset() {
    roots_.assign(kContextCount, kFree);
    changed_ = true;
    cache_.Flush();
  }
  const std::vector<uint64_t>& Save() const { return roots_; }
  void Load(const std::vector<uint64_t>& roots, LoadExtent extent = LoadExtent::kAll) {
    if (extent == LoadExtent::kAll || changed_) roots_ = roots;
    changed_ = false;
    cache_.Flush();
  }
  // Forgets what translations of this slice have read (DirectoryCache).
  void FlushTranslations() { cache_.Flush(); }
  // Whether Create could have made each of them.
  bool CanLoad(const std::vector<uint64_t>& roots) const;
  void Hash(StateHasher* hasher) const;

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};  // no root: roots are aligned

  const Memory* memory_;
  std::vector<uint64_t> roots_;
  bool changed_ = true;           // since what was loaded last
  mutable DirectoryCache cache_;  // of one slice
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CONTEXT_TABLE_H_
