#include "tests/fuzz/device/channel_writer.h"

#include <algorithm>
#include <cstring>

#include "abi/generated/messages.h"
#include "base/assert.h"
#include "device/crypto/aes_cmac.h"

namespace ward::fuzz {
namespace {

namespace fw = firmware;

void Append(std::vector<uint8_t>* bytes, ConstByteSpan more) {
  bytes->insert(bytes->end(), more.begin(), more.end());
}

template <typename Structure>
std::vector<uint8_t> ToBytes(const Structure& structure) {
  return {BytesOf(structure).begin(), BytesOf(structure).end()};
}

}  // namespace

void SignStructure(std::vector<uint8_t>* structure) {
  device::AesKey key;
  std::copy(BaseState::kPublicKey.begin(), BaseState::kPublicKey.end(), key.Expose().begin());
  const ByteSpan bytes(*structure);
  WARD_ASSERT(
      device::ComputeAesCmac(key, bytes.subspan(fw::kOmacBytes), bytes.first(fw::kOmacBytes)));
}

std::vector<uint8_t> MakeChannelKey(uint32_t channel, ConstByteSpan blob) {
  abi::NegotiateChannelKeyRequest request = {};
  request.channel = channel;
  request.blob_bytes = static_cast<uint32_t>(blob.size());
  std::vector<uint8_t> payload = ToBytes(request);
  Append(&payload, blob);
  return payload;
}

std::vector<uint8_t> MakeChannelStructure(const BaseChannel& channel, const ChannelInput& input) {
  const fw::ChannelMessage& message = *input.message;
  const uint32_t type_at = input.is_command ? fw::kOmacBytes : 0;
  const uint32_t handle_place = input.is_command ? 2 : 1;  // behind OMAC and type
  fw::ChannelStructure structure(
      input.is_command ? fw::kConfigureInputHeader : fw::kQueryInputHeader, message.input,
      channel.handle_bytes);
  std::memcpy(structure.bytes() + type_at, message.type.bytes, sizeof(message.type.bytes));
  structure.WriteHeader(handle_place, channel.handle);
  structure.WriteHeader(handle_place + 1, input.sequence);
  for (uint32_t place = 0; place < fw::Fields::kMaxCount; ++place) {
    if (message.input.kinds[place] != fw::Field::kGuid) structure.Write(place, input.values[place]);
  }
  std::vector<uint8_t> bytes(structure.bytes(), structure.bytes() + structure.size_bytes());
  if (input.is_command) SignStructure(&bytes);
  return bytes;
}

std::vector<uint8_t> MakeChannelRequest(uint32_t channel, const ChannelInput& input,
                                        ConstByteSpan structure, uint32_t output_bytes) {
  std::vector<uint8_t> payload;
  const auto size = static_cast<uint32_t>(structure.size());
  if (input.is_command) {
    payload = ToBytes(abi::ConfigureChannelRequest{channel, size, {}});
  } else {
    payload = ToBytes(abi::QueryChannelRequest{channel, size, output_bytes, {}});
  }
  Append(&payload, structure);
  return payload;
}

}  // namespace ward::fuzz
