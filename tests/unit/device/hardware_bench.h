// A session of hardware DRM on the chip's real blocks, with libcrypto as the application's side.
#ifndef WARD_TESTS_UNIT_DEVICE_HARDWARE_BENCH_H_
#define WARD_TESTS_UNIT_DEVICE_HARDWARE_BENCH_H_

#include "tests/unit/device/security_bench.h"

namespace ward::device {

inline constexpr Block kName = {7, 7, 7, 7};
inline constexpr uint32_t kImport = 2;
inline constexpr uint32_t kInvalidArgument = 0x80070057;

struct HardwareBench : SecurityBench {
  explicit HardwareBench(const PublishedIdentity& identity_of) : SecurityBench(identity_of) {
    const Reply reply =
        Send(abi::kMessageCreateSession, test::FromHex("11d76b9b744fc9419e7b0be2d7d93b4f"
                                                       "00000000000000000000000000000000"
                                                       "8a0d17b18d62a34dad3b82ddb08b4970"));
    session = reply.Word(16);
  }

  Bytes NamePayload(const Block& name) const { return Joined(Words({session, 0}), name); }
  uint64_t Token() {
    return LoadLe<uint64_t>(Send(abi::kMessageGetNewKeyData, NamePayload(kName)).bytes.data() + 16);
  }
  static Bytes Plain(uint64_t token, const Block& key, size_t size = 40) {
    Bytes plain(size);
    if (size >= 8) StoreLe(plain.data(), token);
    for (size_t i = 0; i < key.size() && 16 + i < size; ++i) plain[16 + i] = key[i];
    return plain;
  }
  Reply Import(const Bytes& blob) {
    const Bytes input = Joined(Bytes(kName.begin(), kName.end()), blob);
    return Send(abi::kMessageCallTrusted,
                Joined(Words({session, kImport, static_cast<uint32_t>(input.size()), 0}), input));
  }
  uint32_t Select() { return Send(abi::kMessageSelectKey, NamePayload(kName)).status; }

  uint32_t session = 0;
};

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_HARDWARE_BENCH_H_
