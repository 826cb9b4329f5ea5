#include "device/page_owners.h"

#include <algorithm>

#include "base/assert.h"

namespace ward::device {

void PageOwners::Set(uint64_t page, PageOwner owner) {
  WARD_ASSERT(page < page_count_);
  std::vector<PageOwner>& piece = pieces_[page / kPiecePages];
  if (piece.empty()) {
    if (owner == kNoOwner) return;
    piece.resize(kPiecePages, kNoOwner);
  }
  piece[page % kPiecePages] = owner;
}

uint64_t PageOwners::FindOwned(uint64_t page) const {
  while (page < page_count_) {
    const std::vector<PageOwner>& piece = pieces_[page / kPiecePages];
    const uint64_t first = page / kPiecePages * kPiecePages;
    for (uint64_t at = page - first; at < piece.size(); ++at) {
      if (piece[at] != kNoOwner) return first + at;
    }
    page = first + kPiecePages;
  }
  return page_count_;
}

uint64_t PageOwners::CountOwned() const {
  uint64_t count = 0;
  for (const std::vector<PageOwner>& piece : pieces_) {
    count += piece.size() - static_cast<uint64_t>(std::count(piece.begin(), piece.end(), kNoOwner));
  }
  return count;
}

void PageOwners::Clear() {
  for (std::vector<PageOwner>& piece : pieces_) std::vector<PageOwner>().swap(piece);
}

uint64_t PageOwners::MemoryBytes() const {
  uint64_t bytes = pieces_.capacity() * sizeof(pieces_[0]);
  for (const std::vector<PageOwner>& piece : pieces_) bytes += piece.capacity() * sizeof(PageOwner);
  return bytes;
}

}  // namespace ward::device
