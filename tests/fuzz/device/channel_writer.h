// Messages of authenticated channels whose key is the base's public one.
#ifndef WARD_TESTS_FUZZ_DEVICE_CHANNEL_WRITER_H_
#define WARD_TESTS_FUZZ_DEVICE_CHANNEL_WRITER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "firmware/channel_messages.h"
#include "tests/fuzz/device/base_state.h"

namespace ward::fuzz {

// Puts the public key's CMAC of what follows it at a structure's beginning.
void SignStructure(std::vector<uint8_t>* structure);

// Payload of NEGOTIATE_CHANNEL_KEY.
std::vector<uint8_t> MakeChannelKey(uint32_t channel, ConstByteSpan blob);

struct ChannelInput {
  bool is_command = false;  // a query otherwise
  const firmware::ChannelMessage* message = nullptr;
  uint32_t sequence = 0;
  uint64_t values[firmware::Fields::kMaxCount] = {};  // of its payload; GUIDs stay zero
};

// The structure that the channel takes, signed where it has to be.
std::vector<uint8_t> MakeChannelStructure(const BaseChannel& channel, const ChannelInput& input);

// Payload of QUERY_CHANNEL and CONFIGURE_CHANNEL; `output_bytes` is a query's.
std::vector<uint8_t> MakeChannelRequest(uint32_t channel, const ChannelInput& input,
                                        ConstByteSpan structure, uint32_t output_bytes);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_CHANNEL_WRITER_H_
