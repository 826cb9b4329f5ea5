// Messages as their structures: what was received, and what is sent.
#ifndef WARD_EMULATOR_VFIO_USER_MESSAGE_BODY_H_
#define WARD_EMULATOR_VFIO_USER_MESSAGE_BODY_H_

#include <cstdint>
#include <cstring>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "emulator/vfio_user/message_stream.h"

namespace ward::emulator {

// Every body begins with a structure that has to be whole.
template <typename T>
bool Load(const Message& message, T* value) {
  if (message.body.size() < sizeof(T)) return false;
  std::memcpy(value, message.body.data(), sizeof(T));
  return true;
}

template <typename T>
ConstByteSpan Bytes(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(T)};
}

// A structure of the client's that says its own size.
template <typename T>
bool LoadSized(const Message& message, T* value) {
  return Load(message, value) && value->argsz >= sizeof(T);
}

inline bool IsRequest(const Message& message) {
  return (message.header.flags & abi::vfio_user::kTypeMask) == abi::vfio_user::kTypeRequest;
}

// Whether somebody waits for a reply. Who sends a message of an unknown type does.
inline bool WantsReply(const Message& message) {
  namespace wire = abi::vfio_user;
  const uint32_t flags = message.header.flags;
  return (flags & wire::kTypeMask) != wire::kTypeReply && (flags & wire::kNoReply) == 0;
}

// The header of a request that can be done; its body is another matter.
inline bool IsWellFormed(const Message& message) {
  namespace wire = abi::vfio_user;
  const wire::Header& header = message.header;
  return IsRequest(message) && (header.flags & ~wire::kFlagsMask) == 0 &&
         (header.flags & wire::kError) == 0 && header.error == 0;
}

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_MESSAGE_BODY_H_
