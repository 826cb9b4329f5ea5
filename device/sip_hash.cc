#include "device/sip_hash.h"

#include <bit>

#include "base/secret_bytes.h"

namespace ward::device {
namespace {

struct Lanes {
  uint64_t v0, v1, v2, v3;

  ~Lanes() { SecureWipe(this, sizeof(*this)); }

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void Absorb(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
};

}  // namespace

uint64_t SipHash(const SipKey& key, ConstByteSpan bytes) {
  Lanes lanes = {key.low ^ 0x736f6d6570736575ull, key.high ^ 0x646f72616e646f6dull,
                 key.low ^ 0x6c7967656e657261ull, key.high ^ 0x7465646279746573ull};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) lanes.Absorb(LoadLe<uint64_t>(bytes.data() + at));
  uint64_t tail = static_cast<uint64_t>(bytes.size()) << 56;
  for (uint32_t shift = 0; at < bytes.size(); ++at, shift += 8) {
    tail |= static_cast<uint64_t>(bytes[at]) << shift;
  }
  lanes.Absorb(tail);
  lanes.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) lanes.Round();
  return lanes.v0 ^ lanes.v1 ^ lanes.v2 ^ lanes.v3;
}

}  // namespace ward::device
