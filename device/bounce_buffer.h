// Where an engine holds the bytes that it moves: bounded, and wiped when it ends if protected bytes
// may have been in it.
#ifndef WARD_DEVICE_BOUNCE_BUFFER_H_
#define WARD_DEVICE_BOUNCE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace ward::device {

class BounceBuffer {
 public:
  static constexpr size_t kMaximumSliceBytes = 64 << 10;

  explicit BounceBuffer(size_t size_bytes)
      : bytes_(std::make_unique<uint8_t[]>(size_bytes)), size_bytes_(size_bytes) {}
  // For those who write each byte before it is read.
  static BounceBuffer Unfilled(size_t size_bytes) {
    return BounceBuffer(std::make_unique_for_overwrite<uint8_t[]>(size_bytes), size_bytes);
  }
  ~BounceBuffer() {
    if (secret_) SecureWipe(bytes_.get(), size_bytes_);
  }
  BounceBuffer(const BounceBuffer&) = delete;
  BounceBuffer& operator=(const BounceBuffer&) = delete;

  ByteSpan bytes() { return ByteSpan(bytes_.get(), size_bytes_); }
  size_t size_bytes() const { return size_bytes_; }
  // Call before protected bytes enter.
  void MarkSecret() { secret_ = true; }
  // The first `size_bytes` are zeros again.
  void Wipe(size_t size_bytes) { SecureWipe(bytes_.get(), size_bytes); }

 private:
  BounceBuffer(std::unique_ptr<uint8_t[]> bytes, size_t size_bytes)
      : bytes_(std::move(bytes)), size_bytes_(size_bytes) {}

  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_bytes_;
  bool secret_ = false;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_BOUNCE_BUFFER_H_
