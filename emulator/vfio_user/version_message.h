// The first message of a connection: who speaks which version, and what each side can take.
#ifndef WARD_EMULATOR_VFIO_USER_VERSION_MESSAGE_H_
#define WARD_EMULATOR_VFIO_USER_VERSION_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace ward::emulator {

struct VersionMessage {
  uint64_t transfer_bytes;          // the most that the client takes in one DMA message
  bool interrupt_messages = false;  // it takes interrupts as messages

  // Nothing when it is of another major version, or what it says can't be.
  static std::optional<VersionMessage> Parse(ConstByteSpan body);
  // The body of the reply. It is no longer than the request's: QEMU reads it into the same buffer.
  static std::vector<uint8_t> Answer(size_t request_bytes, bool interrupt_messages);
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_VERSION_MESSAGE_H_
