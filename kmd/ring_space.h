// Room in a circular buffer whose pieces become free in order, when fences are reached. Knows
// offsets only; used for rings and for the buffers that hold user commands.
#ifndef WARD_KMD_RING_SPACE_H_
#define WARD_KMD_RING_SPACE_H_

#include <cstdint>
#include <deque>
#include <optional>

namespace ward::kmd {

class RingSpace {
 public:
  // Bytes that stay free, so that full and empty differ (docs/spec/queues.md, ring).
  static constexpr uint32_t kGapBytes = 16;

  struct Piece {
    uint32_t offset;         // of the piece, which never straddles the end
    uint32_t padding_bytes;  // unused bytes before the end, when the piece went to the start
    uint32_t padding_offset;
  };

  explicit RingSpace(uint32_t size_bytes) : size_bytes_(size_bytes) {}

  // Nothing while there is no room. `bytes` is a multiple of 16 and at most MaximumPiece().
  std::optional<Piece> TryReserve(uint32_t bytes);
  // What was reserved since the last commit is in use until `fence`.
  void Commit(uint64_t fence);
  // Gives back what was reserved since the last commit.
  void Cancel();
  // Frees what was in use until a fence of at most `reached`.
  void Release(uint64_t reached);
  // The fence that frees the oldest piece; nothing when no piece is committed.
  std::optional<uint64_t> OldestFence() const;
  void Reset();

  // A piece of this size always finds room in an empty ring, wherever its tail is.
  uint32_t MaximumPiece() const { return size_bytes_ / 2 - kGapBytes; }
  uint32_t tail() const { return tail_; }

 private:
  struct Span {
    uint64_t fence;
    uint32_t bytes;  // padding included
  };
  uint32_t size_bytes_;
  uint32_t tail_ = 0;
  uint32_t committed_tail_ = 0;
  uint32_t used_bytes_ = 0;      // committed
  uint32_t reserved_bytes_ = 0;  // not yet committed
  std::deque<Span> in_flight_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RING_SPACE_H_
