// One context's view of memory: translates and checks the addresses of its commands.
#ifndef WARD_DEVICE_ADDRESS_SPACE_H_
#define WARD_DEVICE_ADDRESS_SPACE_H_

#include <cstdint>

#include "base/result.h"
#include "device/directory_cache.h"
#include "device/memory.h"

namespace ward::device {

enum class Access { kRead, kWrite };

class AddressSpace {
 public:
  // Longest range of one translation, which bounds the page walk that a command can ask for; the
  // engines' longest extent (RowLayout). A longer one is ADDRESS_OUT_OF_RANGE.
  static constexpr uint64_t kMaximumRangeBytes = uint64_t{256} << 20;

  // The kernel's: physical addresses with abi::kPhysicalLocal.
  static AddressSpace Kernel(const Memory* memory);
  // A user context's: virtual addresses by the page tables at `page_table_root` (local address in
  // visible VRAM). The tables are read at each translation, but for what `cache` holds.
  // `cache` may be null.
  static AddressSpace User(const Memory* memory, uint32_t context, uint64_t page_table_root,
                           DirectoryCache* cache = nullptr);

  uint32_t context() const { return context_; }

  // The whole range, or the first fault with its address: PAGE_NOT_MAPPED, PAGE_NOT_WRITABLE,
  // PAGE_TABLE_INVALID, ADDRESS_OUT_OF_RANGE. `size_bytes` at least 1.
  Result<GuestRange> Translate(uint64_t address, uint64_t size_bytes, Access access) const;
  // The same into a range that is empty; what is in it after a fault means nothing.
  Result<void> TranslateInto(uint64_t address, uint64_t size_bytes, Access access,
                             GuestRange* range) const;
  // As Translate, for rings, indirect buffers, fences, waits and message buffers: also
  // ADDRESS_MISALIGNED, and CONTROL_IN_PROTECTED_MEMORY when any page is protected.
  Result<GuestRange> TranslateControl(uint64_t address, uint64_t size_bytes, uint64_t alignment,
                                      Access access) const;

 private:
  AddressSpace(const Memory* memory, uint32_t context, uint64_t root, DirectoryCache* cache)
      : memory_(memory), context_(context), root_(root), cache_(cache) {}
  const Memory* memory_;
  uint32_t context_;
  uint64_t root_;
  DirectoryCache* cache_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_ADDRESS_SPACE_H_
