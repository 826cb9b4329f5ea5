// A SECURITY_MESSAGE as a driver writes it into a ring: the command, then the payload, padded with
// zeros.
#ifndef WARD_TESTS_FAKES_SECURITY_MESSAGE_H_
#define WARD_TESTS_FAKES_SECURITY_MESSAGE_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "base/bytes.h"

namespace ward::fakes {

inline std::vector<uint8_t> MakeMessage(uint32_t message, ConstByteSpan payload, uint64_t response,
                                        uint32_t response_capacity) {
  using Command = abi::SecurityMessageCommand;
  constexpr size_t kAlignment = abi::kCommandAlignment;
  const size_t padded = (payload.size() + kAlignment - 1) / kAlignment * kAlignment;
  std::vector<uint8_t> bytes(sizeof(Command) + padded);
  Command command{};
  command.opcode = Command::kOpcode;
  command.length = static_cast<uint32_t>(bytes.size());
  command.message = message;
  command.payload_bytes = static_cast<uint32_t>(payload.size());
  command.response_address = response;
  command.response_capacity = response_capacity;
  std::memcpy(bytes.data(), &command, sizeof(command));
  if (!payload.empty()) std::memcpy(bytes.data() + sizeof(command), payload.data(), payload.size());
  return bytes;
}

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_SECURITY_MESSAGE_H_
