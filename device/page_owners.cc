#include "device/page_owners.h"

#include "base/assert.h"

namespace ward::device {

void PageOwners::Set(uint64_t page, PageOwner owner) {
  WARD_ASSERT(page < page_count_);
  Piece& piece = pieces_[page / kPiecePages];
  if (piece.owners.empty()) {
    if (owner == kNoOwner) return;
    piece.owners.resize(kPiecePages, kNoOwner);
    piece.owned = PageSet(kPiecePages);
  }
  const uint64_t index = page % kPiecePages;
  piece.owners[index] = owner;
  if (owner == kNoOwner) {
    piece.owned.Remove(index);
  } else {
    piece.owned.Add(index);
  }
}

uint64_t PageOwners::FindOwned(uint64_t page) const {
  while (page < page_count_) {
    const uint64_t first = page / kPiecePages * kPiecePages;
    const uint64_t index = pieces_[page / kPiecePages].owned.Next(page - first);
    if (index != PageSet::kNone) return first + index;
    page = first + kPiecePages;
  }
  return page_count_;
}

uint64_t PageOwners::CountOwned() const {
  uint64_t count = 0;
  for (const Piece& piece : pieces_) count += piece.owned.size();
  return count;
}

void PageOwners::Clear() {
  for (Piece& piece : pieces_) piece = Piece();
}

uint64_t PageOwners::MemoryBytes() const {
  uint64_t bytes = pieces_.capacity() * sizeof(pieces_[0]);
  for (const Piece& piece : pieces_) {
    bytes += piece.owners.capacity() * sizeof(PageOwner) + piece.owned.MemoryBytes();
  }
  return bytes;
}

}  // namespace ward::device
