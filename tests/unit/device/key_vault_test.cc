#include "device/key_vault.h"

#include <sys/random.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/crypto/sealed_stream.h"
#include "device/crypto/wide_aes.h"
#include "tests/fakes/fault_tries.h"

namespace ward::device {
namespace {

constexpr uint32_t kSessionA = 0x10000;
constexpr uint32_t kSessionB = 0x10001;

KeyVault::Key MakeKey(uint8_t fill) {
  KeyVault::Key key;
  for (uint8_t& byte : key.Expose()) byte = fill;
  return key;
}

uint32_t Put(KeyVault* vault, uint32_t session, uint32_t usage, uint8_t fill) {
  auto slot = vault->Allocate(session, usage);
  REQUIRE(slot.ok());
  REQUIRE(vault->Store(slot.value(), session, MakeKey(fill)));
  return slot.value();
}

uint32_t ReleaseStatus(KeyVault* vault, uint32_t slot, uint32_t session, uint32_t usage) {
  auto key = vault->Release(slot, session, usage);
  return key.ok() ? abi::kStatusOk : key.fault().status;
}

uint64_t HashOf(const KeyVault& vault) {
  StateHasher hasher;
  vault.Hash(&hasher);
  return hasher.value();
}

TEST_CASE("P11_ a key is released to its session and for its usages only") {
  KeyVault vault(4);
  const uint32_t slot = Put(&vault, kSessionA, kKeyUsageUnwrap | kKeyUsageDecrypt, 0x11);
  CHECK(ReleaseStatus(&vault, slot, kSessionA, kKeyUsageUnwrap) == abi::kStatusOk);
  CHECK(ReleaseStatus(&vault, slot, kSessionA, kKeyUsageDecrypt) == abi::kStatusOk);
  CHECK(ReleaseStatus(&vault, slot, kSessionA, kKeyUsageEncrypt) == abi::kStatusSessionNoKey);
  CHECK(ReleaseStatus(&vault, slot, kSessionA, kKeyUsageDecrypt | kKeyUsageEncrypt) ==
        abi::kStatusSessionNoKey);
  CHECK(ReleaseStatus(&vault, slot, kSessionB, kKeyUsageDecrypt) == abi::kStatusSessionInvalid);
  CHECK(ReleaseStatus(&vault, slot, 0, kKeyUsageDecrypt) == abi::kStatusSessionInvalid);
  auto key = vault.Release(slot, kSessionA, kKeyUsageDecrypt);
  REQUIRE(key.ok());
  CHECK(*key.value() == MakeKey(0x11));
}

TEST_CASE("a slot that is empty, free, none or out of range gives no key") {
  KeyVault vault(4);
  auto slot = vault.Allocate(kSessionA, kKeyUsageDecrypt);
  REQUIRE(slot.ok());
  CHECK(ReleaseStatus(&vault, slot.value(), kSessionA, kKeyUsageDecrypt) ==
        abi::kStatusSessionNoKey);
  for (uint32_t other : {1u, 3u, 4u, 0x80000000u, kNoSlot}) {
    CHECK(ReleaseStatus(&vault, other, kSessionA, kKeyUsageDecrypt) == abi::kStatusSessionInvalid);
    CHECK_FALSE(vault.Store(other, kSessionA, MakeKey(1)));
    CHECK_FALSE(vault.IsDamaged(other));
    vault.Lock(other);
    vault.Wipe(other);
  }
  CHECK(vault.allocated_count() == 1);
}

TEST_CASE("Store moves: the caller's key is zero afterwards, taken or not") {
  KeyVault vault(2);
  KeyVault::Key key = MakeKey(0x33);
  auto slot = vault.Allocate(kSessionA, kKeyUsageDecrypt);
  REQUIRE(slot.ok());
  CHECK(vault.Store(slot.value(), kSessionA, std::move(key)));
  CHECK(key == KeyVault::Key());
  KeyVault::Key refused = MakeKey(0x34);
  CHECK_FALSE(vault.Store(slot.value(), kSessionB, std::move(refused)));
  CHECK(refused == KeyVault::Key());
}

TEST_CASE("P11_ a locked slot takes no other key until it is wiped and allocated again") {
  KeyVault vault(1);
  const uint32_t slot = Put(&vault, kSessionA, kKeyUsageDecrypt, 0x11);
  vault.Lock(slot);
  CHECK_FALSE(vault.Store(slot, kSessionA, MakeKey(0x22)));
  {
    auto key = vault.Release(slot, kSessionA, kKeyUsageDecrypt);
    REQUIRE(key.ok());
    CHECK(*key.value() == MakeKey(0x11));
  }
  vault.Wipe(slot);
  CHECK(vault.allocated_count() == 0);
  CHECK(Put(&vault, kSessionB, kKeyUsageEncrypt, 0x22) == slot);
  CHECK(ReleaseStatus(&vault, slot, kSessionA, kKeyUsageEncrypt) == abi::kStatusSessionInvalid);
  CHECK(ReleaseStatus(&vault, slot, kSessionB, kKeyUsageEncrypt) == abi::kStatusOk);
}

TEST_CASE("a full vault answers SESSIONS_EXHAUSTED and takes a key again after a wipe") {
  KeyVault vault(3);
  for (int i = 0; i < 3; ++i) REQUIRE(vault.Allocate(kSessionA, kKeyUsageDecrypt).ok());
  auto none = vault.Allocate(kSessionB, kKeyUsageDecrypt);
  REQUIRE_FALSE(none.ok());
  CHECK(none.fault().status == abi::kStatusSessionsExhausted);
  vault.Wipe(1);
  auto freed = vault.Allocate(kSessionB, kKeyUsageDecrypt);
  REQUIRE(freed.ok());
  CHECK(freed.value() == 1);
}

TEST_CASE("F19_ one flipped bit costs that session its keys, and no other session") {
  KeyVault vault(8);
  const uint32_t damaged = Put(&vault, kSessionA, kKeyUsageDecrypt, 0x11);
  const uint32_t sibling = Put(&vault, kSessionA, kKeyUsageEncrypt, 0x12);
  const uint32_t other = Put(&vault, kSessionB, kKeyUsageDecrypt, 0x13);
  vault.DamageForTest(damaged);
  CHECK_FALSE(vault.IsDamaged(damaged));  // seen at use, not before
  CHECK(ReleaseStatus(&vault, damaged, kSessionA, kKeyUsageDecrypt) == abi::kStatusKeyDamaged);
  CHECK(ReleaseStatus(&vault, damaged, kSessionA, kKeyUsageDecrypt) == abi::kStatusKeyDamaged);
  CHECK(ReleaseStatus(&vault, sibling, kSessionA, kKeyUsageEncrypt) == abi::kStatusKeyDamaged);
  CHECK(vault.IsDamaged(damaged));
  CHECK(vault.IsDamaged(sibling));
  CHECK_FALSE(vault.Store(damaged, kSessionA, MakeKey(0x55)));
  CHECK(ReleaseStatus(&vault, other, kSessionB, kKeyUsageDecrypt) == abi::kStatusOk);
  // The slots stay the session's until it gives them up: nobody else gets them meanwhile.
  CHECK(vault.allocated_count() == 3);
  vault.Wipe(damaged);
  vault.Wipe(sibling);
  CHECK(Put(&vault, kSessionB, kKeyUsageDecrypt, 0x14) == damaged);
  CHECK(ReleaseStatus(&vault, damaged, kSessionB, kKeyUsageDecrypt) == abi::kStatusOk);
}

TEST_CASE("F19_ one flipped bit of the round keys is found as one of the key is") {
  if (!wide_aes::IsAvailable()) SKIP("no block that takes round keys here");
  for (uint32_t bit = 0; bit < 11 * 128; ++bit) {
    fakes::BeginFaultTry();
    KeyVault vault(2);
    const uint32_t damaged = Put(&vault, kSessionA, kKeyUsageDecrypt, 0x11);
    REQUIRE(vault.DamageRoundKeysForTest(damaged, bit));
    REQUIRE(ReleaseStatus(&vault, damaged, kSessionA, kKeyUsageDecrypt) == abi::kStatusKeyDamaged);
  }
}

TEST_CASE("a loaded state gives back every slot as it was saved") {
  KeyVault vault(4);
  const uint32_t first = Put(&vault, kSessionA, kKeyUsageDecrypt, 0x11);
  vault.Lock(first);
  const uint64_t hash = HashOf(vault);
  const auto state = vault.Save();
  vault.WipeAll();
  Put(&vault, kSessionB, kKeyUsageEncrypt, 0x77);
  CHECK(HashOf(vault) != hash);
  vault.Load(*state);
  CHECK(HashOf(vault) == hash);
  CHECK_FALSE(vault.Store(first, kSessionA, MakeKey(0x12)));
  auto key = vault.Release(first, kSessionA, kKeyUsageDecrypt);
  REQUIRE(key.ok());
  CHECK(*key.value() == MakeKey(0x11));
}

TEST_CASE("two vaults with the same keys hash alike, and one bit of a key shows") {
  KeyVault first(4);
  KeyVault second(4);
  Put(&first, kSessionA, kKeyUsageDecrypt, 0x11);
  const uint32_t slot = Put(&second, kSessionA, kKeyUsageDecrypt, 0x11);
  CHECK(HashOf(first) == HashOf(second));
  second.DamageForTest(slot);
  CHECK(HashOf(first) != HashOf(second));
}

// Counts where `masked` (each byte inverted) stands in the clear in this process's memory.
size_t CountCopies(const std::array<uint8_t, 16>& masked) {
  std::ifstream maps("/proc/self/maps");
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  size_t copies = 0;
  std::string line;
  while (std::getline(maps, line)) {
    uint64_t first = 0;
    uint64_t end = 0;
    char dash = 0;
    std::string rights;
    std::istringstream(line) >> std::hex >> first >> dash >> end >> rights;
    if (rights.substr(0, 2) != "rw" || end - first > (256u << 20)) continue;
    std::vector<char> bytes(end - first);
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(first));
    if (!memory.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) continue;
    const int start = masked[0] ^ 0xff;
    const char* const last = bytes.data() + bytes.size() - 16;
    for (const char* at = bytes.data(); at <= last; ++at) {
      at = static_cast<const char*>(std::memchr(at, start, static_cast<size_t>(last - at) + 1));
      if (at == nullptr) break;
      size_t same = 0;
      while (same < 16 && static_cast<uint8_t>(at[same] ^ 0xff) == masked[same]) ++same;
      copies += same == 16;
    }
    // What was read must not be found in the next mapping.
    std::memset(bytes.data(), 0, bytes.size());
    __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
  }
  return copies;
}

TEST_CASE("P5_ a key is in its slot and nowhere else while a vault holds it, nor after the wipe") {
  // The first round key of AES is the key itself.
  const size_t copies = wide_aes::IsAvailable() ? 2 : 1;
  KeyVault vault(2);
  std::array<uint8_t, 16> masked;
  auto slot = vault.Allocate(kSessionA, kKeyUsageDecrypt);
  REQUIRE(slot.ok());
  {
    KeyVault::Key key;
    REQUIRE(getentropy(key.Expose().data(), 16) == 0);
    for (size_t i = 0; i < 16; ++i) masked[i] = static_cast<uint8_t>(key.Expose()[i] ^ 0xff);
    REQUIRE(vault.Store(slot.value(), kSessionA, std::move(key)));
  }
  StateHasher hasher;
  vault.Hash(&hasher);
  {
    const auto state = vault.Save();
    CHECK(CountCopies(masked) == 2 * copies);
  }
  CHECK(CountCopies(masked) == copies);
  vault.Wipe(slot.value());
  CHECK(CountCopies(masked) == 0);
}

TEST_CASE("P11_ a sealed key of nobody, or with flags that there are not, is refused") {
  DerivedSeal seal;
  KeyVault vault(2);
  const auto takes = [&](uint32_t session, uint8_t flags) {
    std::vector<uint8_t> sealed;
    SealingStream writing(seal, {});
    writing.AddNumber<uint32_t>(1);  // slot
    writing.AddNumber<uint32_t>(0);  // its index
    writing.AddNumber<uint32_t>(session);
    writing.AddNumber<uint32_t>(kKeyUsageDecrypt);
    writing.AddNumber<uint64_t>(1);
    writing.AddNumber<uint8_t>(flags);
    writing.Add(MakeKey(0x11).Expose());
    REQUIRE(writing.Finish(&sealed));
    OpeningStream reading(seal, {}, sealed);
    return vault.Unseal(&reading, 1) != nullptr;
  };
  constexpr uint8_t kFilledAndFits = 1 | 8;
  CHECK(takes(kSessionA, kFilledAndFits));
  CHECK_FALSE(takes(0, kFilledAndFits));
  CHECK_FALSE(takes(0, 0));
  CHECK_FALSE(takes(kSessionA, kFilledAndFits | 16));
}

}  // namespace
}  // namespace ward::device
