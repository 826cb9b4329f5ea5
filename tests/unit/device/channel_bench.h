// An authenticated channel on the chip's real blocks: the application's side is libcrypto, the
// structures are written out by offset (DDI 6.2 to 6.4, 64 bits).
#ifndef WARD_TESTS_UNIT_DEVICE_CHANNEL_BENCH_H_
#define WARD_TESTS_UNIT_DEVICE_CHANNEL_BENCH_H_

#include <openssl/evp.h>

#include "tests/unit/device/security_bench.h"

namespace ward::device {

inline const Bytes kInitialize = test::FromHex("db4b110623350a478dcafbc2845154f0");
inline const Bytes kProtection = test::FromHex("58564550473f6243bf99bfdfcde9ed29");
inline const Bytes kOutputCount = test::FromHex("5e2b042c078cd546aabe8f75cbad4c31");
inline const Bytes kOutputId = test::FromHex("a3dc9d834e9be441b053892bd2a11ee7");

inline Bytes Cmac(const Block& key, ConstByteSpan message) {
  Bytes tag(16);
  size_t size = 0;
  EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-128-CBC", nullptr, key.data(), key.size(),
            message.data(), message.size(), tag.data(), tag.size(), &size);
  return tag;
}

struct Answered {
  uint32_t status;
  Bytes output;
};

struct ChannelBench : SecurityBench {
  explicit ChannelBench(const PublishedIdentity& identity_of) : SecurityBench(identity_of) {
    const Reply reply = Send(abi::kMessageCreateChannel, Words({3, 8}));
    channel = reply.Word(16);
    handle = LoadLe<uint64_t>(reply.bytes.data() + 24);
  }
  uint32_t NegotiateChannel(const Block& key) {
    return Send(abi::kMessageNegotiateChannelKey, NegotiatePayload(channel, identity.Wrap(key)))
        .status;
  }
  Bytes Command(const Bytes& type, uint32_t sequence, uint32_t first, uint32_t second) const {
    Bytes bytes(56);
    std::copy(type.begin(), type.end(), bytes.begin() + 16);
    StoreLe(bytes.data() + 32, handle);
    StoreLe(bytes.data() + 40, sequence);
    StoreLe(bytes.data() + 48, first);
    StoreLe(bytes.data() + 52, second);
    const Bytes tag = Cmac(kSessionKey, ConstByteSpan(bytes).subspan(16));
    std::copy(tag.begin(), tag.end(), bytes.begin());
    return bytes;
  }
  Answered Configure(const Bytes& input) {
    return Receive(
        Send(abi::kMessageConfigureChannel,
             Joined(Words({channel, static_cast<uint32_t>(input.size()), 0, 0}), input)));
  }
  Answered QueryOutput(const Bytes& type, uint32_t sequence, uint64_t session, uint32_t index) {
    Bytes input(56);
    std::copy(type.begin(), type.end(), input.begin());
    StoreLe(input.data() + 16, handle);
    StoreLe(input.data() + 24, sequence);
    StoreLe(input.data() + 32, Handle(abi::kMessageGetDeviceHandle, Words({0, 0}), 16));
    StoreLe(input.data() + 40, session);
    StoreLe(input.data() + 48, index);
    return Receive(Send(abi::kMessageQueryChannel, Joined(Words({channel, 56, 80, 0}), input)));
  }
  uint64_t Handle(uint32_t message, const Bytes& payload, size_t offset) {
    return LoadLe<uint64_t>(Send(message, payload).bytes.data() + offset);
  }
  bool IsSigned(const Answered& answered) const {
    const ConstByteSpan output = answered.output;
    return output.size() >= 48 &&
           Cmac(kSessionKey, output.subspan(16)) == Bytes(output.begin(), output.begin() + 16);
  }

  uint32_t channel = 0;
  uint64_t handle = 0;

 private:
  static Answered Receive(const Reply& reply) {
    Answered answered = {reply.status, {}};
    if (reply.bytes.size() > 32) {
      answered.output.assign(reply.bytes.begin() + 32, reply.bytes.end());
    }
    return answered;
  }
};

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_CHANNEL_BENCH_H_
