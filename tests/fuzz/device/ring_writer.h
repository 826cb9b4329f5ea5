// Writes commands into the rings as a driver does, by operations.
#ifndef WARD_TESTS_FUZZ_DEVICE_RING_WRITER_H_
#define WARD_TESTS_FUZZ_DEVICE_RING_WRITER_H_

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/device/operation.h"

namespace ward::fuzz {

template <typename T>
T MakeCommand() {
  T command{};
  command.opcode = T::kOpcode;
  command.length = T::kSizeBytes;
  return command;
}

template <typename T>
ConstByteSpan BytesOf(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

class RingWriter {
 public:
  using Tails = std::array<uint32_t, layout::kQueues>;

  explicit RingWriter(OperationSink* sink) : sink_(sink) {}

  const Tails& tails() const { return tails_; }
  // The chip knows of them.
  void set_tails(const Tails& tails) { tails_ = rung_ = tails; }
  // The queue was reset: what comes next stands at the ring's beginning.
  void ForgetTail(uint32_t queue) { tails_[queue] = rung_[queue] = 0; }

  // Pads to the ring's end when the command would straddle it; one that is larger than the ring is
  // dropped.
  void Push(uint32_t queue, ConstByteSpan command);
  void PushMessage(uint32_t queue, uint32_t message, ConstByteSpan payload, uint64_t response);
  void Doorbell(uint32_t queue);
  // Whether it would say something new.
  bool HasNews(uint32_t queue) const { return tails_[queue] != rung_[queue]; }
  void WriteRegister(uint64_t offset, uint32_t value);
  void Process(uint64_t budget_bytes);

 private:
  OperationSink* sink_;
  Tails tails_ = {};
  Tails rung_ = {};
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_RING_WRITER_H_
