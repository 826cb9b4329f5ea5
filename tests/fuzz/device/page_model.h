// Whose content protected pages hold, kept from the blts that were done, as far as it can be known:
// what it does not know, it does not judge.
#ifndef WARD_TESTS_FUZZ_DEVICE_PAGE_MODEL_H_
#define WARD_TESTS_FUZZ_DEVICE_PAGE_MODEL_H_

#include <array>
#include <cstdint>
#include <optional>

#include "abi/generated/pci.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/device/machine_ports.h"

namespace ward::fuzz {

class PageModel {
 public:
  static constexpr uint32_t kUnknown = 0;

  explicit PageModel(const BlockBytes* vram) : vram_(vram) {}

  void Forget() { owners_ = {}; }
  void OnSessionEnd(uint32_t session);
  // [address, + size_bytes) of the context, all of whose protected pages are `owner`'s from here
  // on.
  void Take(uint32_t context, uint64_t address, uint64_t size_bytes, uint32_t owner);
  // Whose content all of it is; kUnknown: it can't be said.
  uint32_t OwnerOf(uint32_t context, uint64_t address, uint64_t size_bytes) const;
  // Whether it is known that some of it is another session's.
  bool IsOthers(uint32_t context, uint64_t address, uint64_t size_bytes, uint32_t session) const;

  enum class Right : uint8_t { kRead, kWrite };
  // Whether the page tables say that the context may not do that to some page of
  // [address, + size_bytes). False where they can't be known.
  bool Lacks(uint32_t context, Right right, uint64_t address, uint64_t size_bytes) const {
    const bool is_known = context == 1 || context == 2;
    return is_known && size_bytes != 0 && RangeFits(address, size_bytes, kTableReach) &&
           !HasAllRights(context, address + size_bytes) &&
           LacksInTables(context, right, address, size_bytes);
  }

  // Where the base's page tables, with what the input did to their leaves, lead: a bus address, or
  // a local one with abi::kPhysicalLocal; nothing when the page is not mapped.
  std::optional<uint64_t> Translate(uint32_t context, uint64_t address) const;

 private:
  // What a table of the base maps.
  static constexpr uint64_t kTableReach = 512 * abi::kPageSize;
  static constexpr uint64_t TableOf(uint32_t context) {
    return layout::kTables + (context - 1) * layout::kTableBytes;
  }
  // The base's tables as they are, up to what both contexts may do anything to: most commands.
  bool HasAllRights(uint32_t context, uint64_t end) const {
    const uint64_t directory = TableOf(context) / abi::kPageSize + 2;
    return end <= layout::kPrivateAt * abi::kPageSize && !vram_->IsPageChanged(directory) &&
           !vram_->IsPageChanged(directory + 1);
  }
  bool LacksInTables(uint32_t context, Right right, uint64_t address, uint64_t size_bytes) const;
  // Number of a mapped protected page of those that contexts map.
  std::optional<uint64_t> ProtectedPage(uint32_t context, uint64_t address) const;

  const BlockBytes* vram_;
  std::array<uint32_t, layout::kProtectedPages> owners_ = {};
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_PAGE_MODEL_H_
