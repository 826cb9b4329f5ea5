#include "emulator/boundary/known_memory.h"

#include <algorithm>

namespace ward::emulator {

void KnownMemory::Note(uint64_t address, ConstByteSpan bytes) {
  while (!bytes.empty()) {
    const uint64_t offset = address % kPageBytes;
    const size_t size = std::min<uint64_t>(bytes.size(), kPageBytes - offset);
    std::shared_ptr<Page>& page = pages_[address / kPageBytes];
    if (page == nullptr) {
      page = std::make_shared<Page>();
    } else if (page.use_count() > 1) {
      page = std::make_shared<Page>(*page);
    }
    std::copy_n(bytes.begin(), size, page->bytes.begin() + static_cast<ptrdiff_t>(offset));
    for (size_t i = 0; i < size; ++i) page->known.set(offset + i);
    bytes = bytes.subspan(size);
    address += size;
  }
}

std::optional<uint8_t> KnownMemory::At(uint64_t address) const {
  const auto found = pages_.find(address / kPageBytes);
  if (found == pages_.end() || !found->second->known[address % kPageBytes]) return std::nullopt;
  return found->second->bytes[address % kPageBytes];
}

}  // namespace ward::emulator
