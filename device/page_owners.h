// Who produced the content of each page of protected memory. Room is made piece by piece, where
// pages get an owner: nearly all pages of a large memory never do.
#ifndef WARD_DEVICE_PAGE_OWNERS_H_
#define WARD_DEVICE_PAGE_OWNERS_H_

#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "device/page_set.h"

namespace ward::device {

// Session that produced a protected page's content; 0: none.
using PageOwner = uint32_t;
inline constexpr PageOwner kNoOwner = 0;

class PageOwners {
 public:
  // The pages that get their room together: 16 MiB of protected memory.
  static constexpr uint64_t kPiecePages = 4096;

  PageOwners() = default;
  explicit PageOwners(uint64_t page_count)
      : page_count_(page_count), pieces_((page_count + kPiecePages - 1) / kPiecePages) {}

  uint64_t size() const { return page_count_; }
  // `page` is below size(), here and in Set.
  PageOwner Of(uint64_t page) const {
    WARD_ASSERT(page < page_count_);
    const Piece& piece = pieces_[page / kPiecePages];
    return piece.owners.empty() ? kNoOwner : piece.owners[page % kPiecePages];
  }
  void Set(uint64_t page, PageOwner owner);
  // The first page from `page` on that has an owner; size() when none has.
  uint64_t FindOwned(uint64_t page) const;
  // Nobody owns anything, and the room is given back.
  void Clear();
  // Pages that have an owner: looks at those that have room.
  uint64_t CountOwned() const;
  // Bytes of the host's memory that the owners take.
  uint64_t MemoryBytes() const;

 private:
  struct Piece {
    std::vector<PageOwner> owners;  // empty: nobody owns a page of it
    PageSet owned{0};               // those that have an owner, so that they are found
  };

  uint64_t page_count_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_PAGE_OWNERS_H_
