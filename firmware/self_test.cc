#include "firmware/self_test.h"

#include "base/planted_bug.h"
#include "firmware/authenticated_channel.h"
#include "firmware/crypto_session.h"
#include "firmware/protected_output.h"

namespace ward::firmware {
namespace {

// SP 800-38A, appendix F: the key and the first two blocks of plaintext. RFC 4493 has the same.
constexpr uint8_t kKey[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                              0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
constexpr uint8_t kPlaintext[32] = {
    0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
    0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
// F.1.1, block 1.
constexpr uint8_t kEcbCiphertext[16] = {0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60,
                                        0xa8, 0x9e, 0xca, 0xf3, 0x24, 0x66, 0xef, 0x97};
// F.5.1, blocks 1 and 2.
constexpr uint8_t kCounter[16] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                                  0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
constexpr uint8_t kCtrCiphertext[32] = {
    0x87, 0x4d, 0x61, 0x91, 0xb6, 0x20, 0xe3, 0x26, 0x1b, 0xef, 0x68, 0x64, 0x99, 0x0d, 0xb6, 0xce,
    0x98, 0x06, 0xf6, 0x6b, 0x79, 0x70, 0xfd, 0xff, 0x86, 0x17, 0x18, 0x7b, 0xb9, 0xff, 0xfd, 0xff};
// RFC 4493, example 2 (one whole block).
constexpr uint8_t kCmacTag[16] = {0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44,
                                  0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28, 0x7c};
// FIPS 180-4 example: SHA-512 of "abc".
constexpr uint8_t kAbc[3] = {'a', 'b', 'c'};
constexpr uint8_t kAbcDigest[64] = {
    0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba, 0xcc, 0x41, 0x73, 0x49, 0xae, 0x20, 0x41, 0x31,
    0x12, 0xe6, 0xfa, 0x4e, 0x89, 0xa9, 0x7e, 0xa2, 0x0a, 0x9e, 0xee, 0xe6, 0x4b, 0x55, 0xd3, 0x9a,
    0x21, 0x92, 0x99, 0x2a, 0x27, 0x4f, 0xc1, 0xa8, 0x36, 0xba, 0x3c, 0x23, 0xa3, 0xfe, 0xeb, 0xbd,
    0x45, 0x4d, 0x44, 0x23, 0x64, 0x3c, 0xe8, 0x0e, 0x2a, 0x9a, 0xc9, 0x4f, 0xa5, 0x4c, 0xa4, 0x9f};

// `damage` flips one bit of what the block made, so that the comparison itself is tried too.
template <uint32_t kSize>
bool IsExpected(uint8_t (&actual)[kSize], const uint8_t* expected, bool damage) {
  if (damage) actual[kSize - 1] ^= 1;
  uint32_t difference = 0;
  for (uint32_t i = 0; i < kSize; ++i) difference |= static_cast<uint32_t>(actual[i] ^ expected[i]);
  return difference == 0;
}

bool TestAesEncrypt(Platform* platform, bool damage) {
  uint8_t block[16] = {};
  platform->TestAesEcb(kKey, true, kPlaintext, block);
  return IsExpected(block, kEcbCiphertext, damage);
}

bool TestAesDecrypt(Platform* platform, bool damage) {
  uint8_t block[16] = {};
  platform->TestAesEcb(kKey, false, kEcbCiphertext, block);
  return IsExpected(block, kPlaintext, damage);
}

bool TestAesCtr(Platform* platform, bool damage) {
  uint8_t blocks[32] = {};
  platform->TestAesCtr(kKey, kCounter, kPlaintext, blocks, sizeof(blocks));
  return IsExpected(blocks, kCtrCiphertext, damage);
}

bool TestAesCmac(Platform* platform, bool damage) {
  uint8_t tag[16] = {};
  platform->TestAesCmac(kKey, kPlaintext, 16, tag);
  return IsExpected(tag, kCmacTag, damage);
}

bool TestSha512(Platform* platform, bool damage) {
  uint8_t digest[64] = {};
  platform->TestSha512(kAbc, sizeof(kAbc), digest);
  return IsExpected(digest, kAbcDigest, damage);
}

bool RunSelfTest(Platform* platform, SelfTest test, bool damage) {
  switch (test) {
    case SelfTest::kAesEncrypt:
      return TestAesEncrypt(platform, damage);
    case SelfTest::kAesDecrypt:
      return TestAesDecrypt(platform, damage);
    case SelfTest::kAesCtr:
      return TestAesCtr(platform, damage);
    case SelfTest::kAesCmac:
      return TestAesCmac(platform, damage);
    case SelfTest::kSha512:
      return TestSha512(platform, damage);
    case SelfTest::kRsaOaep:
      return platform->TestRsaOaep() && !damage;
    case SelfTest::kRandom:
      return platform->TestRandom() && !damage;
  }
  return false;
}

}  // namespace

bool RunSelfTests(Platform* platform, State* state) {
  const int failing = platform->FailingSelfTest();
  for (uint32_t number = 0; number < kSelfTestCount; ++number) {
    const bool damage = failing >= 0 && static_cast<uint32_t>(failing) == number;
    if (RunSelfTest(platform, static_cast<SelfTest>(number), damage)) continue;
    EnterFailure(platform, state, static_cast<SelfTest>(number));
    return false;
  }
  state->health = Health::kReady;
  return true;
}

void EnterFailure(Platform* platform, State* state, SelfTest test) {
  state->health = Health::kFailed;
  state->failed_test = static_cast<uint32_t>(test) + 1;
  for (Session& session : state->sessions) {
    if (session.number != 0) EndSession(platform, &session);
  }
  for (Channel& channel : state->channels) {
    if (channel.number != 0) EndChannel(platform, &channel);
  }
  EndProtectedOutputs(platform, state);
  for (Decoder& decoder : state->decoders) {
    if (!HasPlantedBug(PlantedBug::kDecodersOutliveFailure)) decoder = Decoder{};
  }
  for (Device& device : state->devices) device = Device{};
  platform->WipeAllSlots();
}

Answer HandleRunSelfTest(const Call& call) {
  return RunSelfTests(call.platform, call.state) ? Succeed() : Refuse(abi::kStatusSelfTestFailed);
}

}  // namespace ward::firmware
