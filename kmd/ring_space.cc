#include "kmd/ring_space.h"

#include "base/assert.h"

namespace ward::kmd {

std::optional<RingSpace::Piece> RingSpace::TryReserve(uint32_t bytes) {
  WARD_ASSERT(bytes % 16 == 0 && bytes <= MaximumPiece());
  const uint32_t to_end = size_bytes_ - tail_;
  const uint32_t padding = bytes > to_end ? to_end : 0;
  if (used_bytes_ + reserved_bytes_ + padding + bytes > size_bytes_ - kGapBytes) {
    return std::nullopt;
  }
  const Piece piece{padding != 0 ? 0 : tail_, padding, tail_};
  tail_ = (piece.offset + bytes) % size_bytes_;
  reserved_bytes_ += padding + bytes;
  return piece;
}

void RingSpace::Commit(uint64_t fence) {
  in_flight_.push_back({fence, reserved_bytes_});
  used_bytes_ += reserved_bytes_;
  reserved_bytes_ = 0;
  committed_tail_ = tail_;
}

void RingSpace::Cancel() {
  tail_ = committed_tail_;
  reserved_bytes_ = 0;
}

void RingSpace::Release(uint64_t reached) {
  while (!in_flight_.empty() && in_flight_.front().fence <= reached) {
    used_bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
}

std::optional<uint64_t> RingSpace::OldestFence() const {
  if (in_flight_.empty()) return std::nullopt;
  return in_flight_.front().fence;
}

void RingSpace::Reset() { *this = RingSpace(size_bytes_); }

}  // namespace ward::kmd
