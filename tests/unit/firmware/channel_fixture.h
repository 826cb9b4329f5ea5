// A firmware with an authenticated channel, and the application at its other end: structures put
// together field by field, MACs by libcrypto.
#ifndef WARD_TESTS_UNIT_FIRMWARE_CHANNEL_FIXTURE_H_
#define WARD_TESTS_UNIT_FIRMWARE_CHANNEL_FIXTURE_H_

#include <cstdio>

#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {

inline constexpr char kInitialize[] = "06114BDB-3523-470A-8DCA-FBC2845154F0";
inline constexpr char kProtection[] = "50455658-3F47-4362-BF99-BFDFCDE9ED29";
inline constexpr char kCryptoSession[] = "6346CC54-2CFC-4AD4-8224-D15837DE7700";
inline constexpr char kSharedResource[] = "0772D047-1B40-48E8-9CA6-B5F510DE9F01";
inline constexpr char kAccessibleEncryption[] = "41FFF286-6AE0-4D43-9D55-A46E9EFD158A";

inline constexpr uint32_t kHresultInvalid = 0x80070057;      // E_INVALIDARG
inline constexpr uint32_t kHresultFail = 0x80004005;         // E_FAIL
inline constexpr uint32_t kHresultOutOfMemory = 0x8007000e;  // E_OUTOFMEMORY

// Bytes of a structure, each field at its natural alignment.
class Wire {
 public:
  explicit Wire(uint32_t handle_bytes) : handle_bytes_(handle_bytes) {}
  Wire& Zeros(size_t count) { return Number(0, count, 1); }
  Wire& U32(uint64_t value) { return Number(value, 4, 4); }
  Wire& U64(uint64_t value) { return Number(value, 8, 8); }
  Wire& Handle(uint64_t value) { return Number(value, handle_bytes_, handle_bytes_); }
  Wire& Guid(const char* text) {
    unsigned parts[11] = {};
    std::sscanf(text, "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x", &parts[0], &parts[1], &parts[2],
                &parts[3], &parts[4], &parts[5], &parts[6], &parts[7], &parts[8], &parts[9],
                &parts[10]);
    Number(parts[0], 4, 4).Number(parts[1], 2, 1).Number(parts[2], 2, 1);
    for (int i = 3; i < 11; ++i) Number(parts[i], 1, 1);
    return *this;
  }
  Wire& Align(size_t alignment) {
    while (bytes.size() % alignment != 0) bytes.push_back(0);
    return *this;
  }
  Wire& Raw(const Payload& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }

  Payload bytes;

 private:
  Wire& Number(uint64_t value, size_t size, size_t alignment) {
    Align(alignment);
    for (size_t i = 0; i < size; ++i) {
      bytes.push_back(i < 8 ? static_cast<uint8_t>(value >> (8 * i)) : uint8_t{0});
    }
    return *this;
  }
  uint32_t handle_bytes_;
};

struct ChannelReply {
  uint32_t status;
  Payload output;  // empty: untouched

  Block Omac() const {
    Block omac;
    std::memcpy(omac.data(), output.data(), omac.size());
    return omac;
  }
  uint32_t Word(size_t offset) const { return LoadLe<uint32_t>(output.data() + offset); }
  uint64_t Long(size_t offset) const { return LoadLe<uint64_t>(output.data() + offset); }
};

struct OpenChannel : BootedFirmware {
  explicit OpenChannel(uint32_t type = 3, uint32_t handle_bytes = 8, uint32_t owner = 1)
      : width(handle_bytes), context(owner) {
    const Reply created = Send(abi::kMessageCreateChannel, Words({type, width}), context);
    number = created.Word(16);
    full_handle = LoadLe<uint64_t>(created.bytes.data() + 24);
    handle = width == 4 ? full_handle & 0xffffffff : full_handle;
  }
  uint32_t NegotiateChannel(const Block& key = kSessionKey, uint32_t channel = 0) {
    return Send(abi::kMessageNegotiateChannelKey,
                NegotiatePayload(channel == 0 ? number : channel, key), context)
        .status;
  }

  static Block Mac(const Payload& bytes, const Block& key = kSessionKey) {
    Block tag;
    FakePlatform::Cmac(key.data(), bytes.data() + 16, static_cast<uint32_t>(bytes.size() - 16),
                       tag.data());
    return tag;
  }
  static void Sign(Payload* bytes) {
    const Block tag = Mac(*bytes);
    std::memcpy(bytes->data(), tag.data(), tag.size());
  }
  // A whole command; `payload` begins behind the header.
  Payload Command(const char* type, uint32_t sequence, const Wire& payload) const {
    Wire wire(width);
    wire.Zeros(16).Guid(type).Handle(handle).U32(sequence).Align(width).Raw(payload.bytes);
    wire.Align(width);
    Sign(&wire.bytes);
    return wire.bytes;
  }
  Wire Fields() const { return Wire(width); }

  ChannelReply Configure(const Payload& input, uint32_t from = 0, uint32_t channel = 0) {
    Payload message =
        Words({channel == 0 ? number : channel, static_cast<uint32_t>(input.size()), 0, 0});
    message.insert(message.end(), input.begin(), input.end());
    return Receive(Send(abi::kMessageConfigureChannel, message, from == 0 ? context : from));
  }
  ChannelReply Configure(const char* type, uint32_t sequence, const Wire& payload) {
    return Configure(Command(type, sequence, payload));
  }
  uint32_t Initialize(uint32_t query = 100, uint32_t configure = 200) {
    return Configure(kInitialize, 0, Fields().U32(query).U32(configure)).status;
  }
  Payload QueryInput(const char* type, uint32_t sequence, const Wire& extra) const {
    Wire wire(width);
    wire.Guid(type).Handle(handle).U32(sequence).Align(width).Raw(extra.bytes);
    return wire.Align(width).bytes;
  }
  ChannelReply QueryRaw(const Payload& input, uint32_t output_bytes = 80) {
    Payload message = Words({number, static_cast<uint32_t>(input.size()), output_bytes, 0});
    message.insert(message.end(), input.begin(), input.end());
    return Receive(Send(abi::kMessageQueryChannel, message, context));
  }
  ChannelReply Query(const char* type, uint32_t sequence, const Wire& extra) {
    return QueryRaw(QueryInput(type, sequence, extra));
  }
  ChannelReply Query(const char* type, uint32_t sequence) {
    return Query(type, sequence, Fields());
  }

  uint64_t DeviceHandle(uint32_t of = 1) {
    const Reply reply = Send(abi::kMessageGetDeviceHandle, Words({0, 0}), of);
    return LoadLe<uint64_t>(reply.bytes.data() + 16);
  }
  uint64_t MakeDecoder(uint32_t of = 1) {
    const Reply reply = Send(abi::kMessageCreateDecoder, Words({0, 0}), of);
    return LoadLe<uint64_t>(reply.bytes.data() + 16);
  }
  uint64_t MakeSession(uint32_t of = 1) {
    const Reply reply = Send(abi::kMessageCreateSession, CreatePayload(), of);
    last_session = reply.Word(16);
    return LoadLe<uint64_t>(reply.bytes.data() + 24);
  }
  uint64_t Cut(uint64_t value) const { return width == 4 ? value & 0xffffffff : value; }
  const Channel& channel() const { return state.channels[number & 0xffff]; }

  uint32_t width;
  uint32_t context;
  uint32_t number = 0;
  uint64_t full_handle = 0;
  uint64_t handle = 0;  // as the messages carry it
  uint32_t last_session = 0;

 private:
  static ChannelReply Receive(const Reply& reply) {
    ChannelReply received = {reply.status, {}};
    if (reply.bytes.size() >= 32) {
      received.output.assign(reply.bytes.begin() + 32, reply.bytes.end());
      if (reply.Word(16) != received.output.size()) received.status = 0xdead;
    }
    return received;
  }
};

struct KeyedChannel : OpenChannel {
  explicit KeyedChannel(uint32_t type = 3, uint32_t handle_bytes = 8)
      : OpenChannel(type, handle_bytes) {
    NegotiateChannel();
  }
};

// Queries count from 100, commands from 200.
struct LiveChannel : KeyedChannel {
  explicit LiveChannel(uint32_t type = 3, uint32_t handle_bytes = 8)
      : KeyedChannel(type, handle_bytes) {
    Initialize();
  }
};

}  // namespace ward::firmware

#endif  // WARD_TESTS_UNIT_FIRMWARE_CHANNEL_FIXTURE_H_
