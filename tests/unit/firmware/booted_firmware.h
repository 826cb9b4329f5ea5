// A firmware on the fake platform, and messages to it.
#ifndef WARD_TESTS_UNIT_FIRMWARE_BOOTED_FIRMWARE_H_
#define WARD_TESTS_UNIT_FIRMWARE_BOOTED_FIRMWARE_H_

#include <cstring>

#include "base/bytes.h"
#include "tests/unit/firmware/fake_platform.h"

namespace ward::firmware {

// GUIDs as Windows keeps them: {9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F} and
// {C1949895-D72A-4A1D-8E5D-ED857D171520}.
inline constexpr Block kAesGuid = {0x11, 0xd7, 0x6b, 0x9b, 0x74, 0x4f, 0xc9, 0x41,
                                   0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f};
inline constexpr Block kOaepGuid = {0x95, 0x98, 0x94, 0xc1, 0x2a, 0xd7, 0x1d, 0x4a,
                                    0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20};

struct Reply {
  uint32_t status;
  std::vector<uint8_t> bytes;  // as many as the answer's length; header left zero

  uint32_t Word(uint32_t offset) const { return LoadLe<uint32_t>(bytes.data() + offset); }
  Block BlockAt(uint32_t offset) const {
    Block block;
    std::memcpy(block.data(), bytes.data() + offset, block.size());
    return block;
  }
};

struct BootedFirmware {
  BootedFirmware() { Boot(&platform, &state); }

  Reply Send(uint32_t number, Payload payload, uint32_t context = 1, uint32_t capacity = 4096) {
    const auto payload_bytes = static_cast<uint32_t>(payload.size());
    platform.payload = std::move(payload);
    platform.response.assign(capacity, 0);
    const Answer answer =
        HandleMessage(&platform, &state, {number, context, payload_bytes, capacity});
    Reply reply = {answer.status, platform.response};
    reply.bytes.resize(answer.length_bytes);
    return reply;
  }

  static Payload Words(std::initializer_list<uint32_t> words) {
    Payload payload(words.size() * 4);
    size_t at = 0;
    for (uint32_t word : words) {
      StoreLe(payload.data() + at, word);
      at += 4;
    }
    return payload;
  }
  static Payload CreatePayload(const Block& crypto = kAesGuid, const Block& profile = {},
                               const Block& exchange = kOaepGuid) {
    Payload payload(crypto.begin(), crypto.end());
    payload.insert(payload.end(), profile.begin(), profile.end());
    payload.insert(payload.end(), exchange.begin(), exchange.end());
    return payload;
  }
  static Payload NegotiatePayload(uint32_t session, const Block& key, size_t blob_bytes = 256) {
    Payload payload = Words({session, static_cast<uint32_t>(blob_bytes)});
    payload.resize(8 + blob_bytes);
    if (blob_bytes > 0) payload[8] = FakePlatform::kGoodBlobMark;
    if (blob_bytes > 16) std::memcpy(payload.data() + 9, key.data(), key.size());
    return payload;
  }
  static Payload ContentPayload(uint32_t session, const Block& wrapped) {
    Payload payload = Words({session, 16});
    payload.insert(payload.end(), wrapped.begin(), wrapped.end());
    return payload;
  }

  // 0 when refused.
  uint32_t CreateSession(uint32_t context = 1) {
    const Reply reply = Send(abi::kMessageCreateSession, CreatePayload(), context);
    return reply.status == abi::kStatusOk ? reply.Word(16) : 0;
  }
  uint32_t Negotiate(uint32_t session, const Block& key, uint32_t context = 1) {
    return Send(abi::kMessageNegotiateSessionKey, NegotiatePayload(session, key), context).status;
  }
  uint32_t SetContentKey(uint32_t session, const Block& wrapped, uint32_t context = 1) {
    return Send(abi::kMessageSetContentKey, ContentPayload(session, wrapped), context).status;
  }
  Reply GetReadbackKey(uint32_t session, uint32_t context = 1) {
    return Send(abi::kMessageGetReadbackKey, Words({session, 0}), context);
  }
  uint32_t Destroy(uint32_t session, uint32_t context = 1) {
    return Send(abi::kMessageDestroySession, Words({session, 0}), context).status;
  }
  Reply Query(uint32_t session, uint32_t context = 1) {
    return Send(abi::kMessageQuerySession, Words({session, 0}), context);
  }
  const SessionGrant& GrantOf(uint32_t session) { return platform.grants[session & 0xffff]; }
  const FakePlatform::Slot& SlotAt(uint32_t slot) { return platform.slots.at(slot); }

  FakePlatform platform;
  State state = {};
};

inline constexpr Block kSessionKey = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
// DDI 7.5: content key 000102..0f under kSessionKey.
inline constexpr Block kWrappedContentKey = {0x50, 0xfe, 0x67, 0xcc, 0x99, 0x6d, 0x32, 0xb6,
                                             0xda, 0x09, 0x37, 0xe9, 0x9b, 0xaf, 0xec, 0x60};
inline constexpr Block kContentKey = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

}  // namespace ward::firmware

#endif  // WARD_TESTS_UNIT_FIRMWARE_BOOTED_FIRMWARE_H_
