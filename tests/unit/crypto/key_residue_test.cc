// P5: once a block has forgotten a key, no copy of it is left in the process.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <random>

#include "catch2/catch_test_macros.hpp"
#include "device/crypto/aes_block.h"
#include "device/crypto/aes_cmac.h"
#include "device/crypto/aes_ctr.h"
#include "device/crypto/ctr_engine.h"
#include "device/crypto/rsa_private_key.h"
#include "tests/unit/crypto/vector_file.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::device {
namespace {

using test::Bytes;

constexpr uint8_t kDisguise = 0x5c;
// Every key of this test begins with a byte that is rare in memory, for a fast search.
constexpr uint8_t kFirstByte = 0xd7;

// A key that the test itself remembers only in disguise.
class DisguisedKey {
 public:
  static DisguisedKey MakeRandom() {
    std::random_device random;
    DisguisedKey key;
    for (uint8_t& byte : key.bytes_) byte = static_cast<uint8_t>(random());
    key.bytes_[0] = kFirstByte ^ kDisguise;
    return key;
  }
  explicit DisguisedKey(const AesKey& key) {
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = key.Expose()[i] ^ kDisguise;
  }

  void RevealTo(AesKey* key) const {
    for (size_t i = 0; i < bytes_.size(); ++i) key->Expose()[i] = bytes_[i] ^ kDisguise;
  }
  bool Matches(const uint8_t* bytes) const {
    for (size_t i = 0; i < bytes_.size(); ++i) {
      if ((bytes[i] ^ kDisguise) != bytes_[i]) return false;
    }
    return true;
  }

 private:
  DisguisedKey() = default;
  std::array<uint8_t, AesKey::kSizeBytes> bytes_;
};

int CountInRange(int memory, uint64_t begin, uint64_t end, const DisguisedKey& key) {
  static std::array<uint8_t, 1 << 20> window;
  constexpr size_t kOverlap = AesKey::kSizeBytes - 1;
  int found = 0;
  for (uint64_t at = begin; at < end; at += window.size() - kOverlap) {
    const ssize_t size = ::pread(memory, window.data(), std::min<uint64_t>(window.size(), end - at),
                                 static_cast<off_t>(at));
    const uint8_t* const end_of_window = window.data() + std::max<ssize_t>(size, 0);
    const uint8_t* next = window.data();
    while (end_of_window - next >= static_cast<ssize_t>(AesKey::kSizeBytes)) {
      next = static_cast<const uint8_t*>(
          std::memchr(next, kFirstByte, static_cast<size_t>(end_of_window - next) - kOverlap));
      if (next == nullptr) break;
      const uint64_t address = at + static_cast<uint64_t>(next - window.data());
      const auto own = reinterpret_cast<uint64_t>(window.data());
      const bool in_window = address >= own && address < own + window.size();
      if (!in_window && key.Matches(next)) ++found;
      ++next;
    }
  }
  return found;
}

// Copies of `key` in all writable memory. What is a gigabyte or more is a sanitizer's shadow.
int CountCopies(const DisguisedKey& key) {
  std::ifstream maps("/proc/self/maps");
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  REQUIRE(memory >= 0);
  int found = 0;
  std::string line;
  while (std::getline(maps, line)) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char rights[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3) continue;
    if (rights[0] != 'r' || rights[1] != 'w' || end - begin >= (1UL << 30)) continue;
    found += CountInRange(memory, begin, end, key);
  }
  ::close(memory);
  return found;
}

TEST_CASE("the search finds a key that is still held") {
  const DisguisedKey disguised = DisguisedKey::MakeRandom();
  AesKey key;
  disguised.RevealTo(&key);
  CHECK(CountCopies(disguised) == 1);
  AesCtr engine;
  REQUIRE(engine.SetKey(key));
  CHECK(CountCopies(disguised) > 1);
}

TEST_CASE("P5_ a CTR engine leaves no key behind when it is wiped, re-keyed or ends") {
  const DisguisedKey disguised = DisguisedKey::MakeRandom();
  const auto use = [&disguised](AesCtr* engine) {
    AesKey key;
    disguised.RevealTo(&key);
    Bytes buffer(1000);
    REQUIRE(engine->SetKey(key));
    REQUIRE(engine->Start({1, 2}, 3));
    REQUIRE(engine->Apply(buffer, buffer));
  };
  AesCtr engine;
  use(&engine);
  engine.Wipe();
  CHECK(CountCopies(disguised) == 0);
  use(&engine);
  REQUIRE(engine.SetKey(AesKey()));
  CHECK(CountCopies(disguised) == 0);
  {
    AesCtr second;
    use(&second);
  }
  CHECK(CountCopies(disguised) == 0);
}

TEST_CASE("P5_ a key that the chip's engine expanded leaves nothing behind when it is wiped") {
  const DisguisedKey disguised = DisguisedKey::MakeRandom();
  CtrEngine engine;
  CtrKey key;
  Bytes buffer(1000);
  disguised.RevealTo(&key.key);
  key.Expand();
  REQUIRE(engine.Begin(&key, {1, 2}));
  REQUIRE(engine.Apply(3, buffer, buffer));
  CHECK(CountCopies(disguised) >= 1);
  engine.Finish();
  key.Wipe();
  CHECK(CountCopies(disguised) == 0);
}

TEST_CASE("P5_ block and CMAC operations leave no key behind") {
  const DisguisedKey disguised = DisguisedKey::MakeRandom();
  {
    AesKey key;
    disguised.RevealTo(&key);
    Bytes block(16);
    REQUIRE(AesEncryptBlock(key, block, block));
    REQUIRE(AesDecryptBlock(key, block, block));
    REQUIRE(ComputeAesCmac(key, Bytes(100), block));
  }
  CHECK(CountCopies(disguised) == 0);
}

// An identity, and a blob whose plain key was never in this process: `lead` bytes, the key (which
// begins with kFirstByte) and `tail` bytes.
struct WrappedKey {
  WrappedKey(int lead, int tail) {
    const auto group =
        test::ReadVectorFile("rsa_oaep_2048_sha512_mgf1sha512_test.json")["testGroups"][0];
    workspace.WriteText("key.pem", group["privateKeyPem"].get<std::string>());
    const char* reason = nullptr;
    rsa = RsaPrivateKey::LoadPem(workspace.Read("key.pem"), &reason);
    REQUIRE(rsa.has_value());
    const std::string plain = "{ openssl rand " + std::to_string(lead) +
                              "; printf '\\327'; openssl rand " + std::to_string(15 + tail) + "; }";
    REQUIRE(workspace.Run(plain + " | openssl pkeyutl -encrypt -inkey key.pem -out blob"
                                  " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha512"
                                  " -pkeyopt rsa_mgf1_md:sha512") == 0);
  }

  test::Workspace workspace;
  std::optional<RsaPrivateKey> rsa;
};

TEST_CASE("P5_ unwrapping leaves no copy of the session key but the caller's") {
  const WrappedKey wrapped(0, 0);
  AesKey key;
  REQUIRE(wrapped.rsa->UnwrapKey(wrapped.workspace.Read("blob"), &key));
  const DisguisedKey disguised(key);
  CHECK(CountCopies(disguised) == 1);
  key.Wipe();
  CHECK(CountCopies(disguised) == 0);
}

TEST_CASE("P5_ unwrapping parameters leaves no copy of the key but the caller's") {
  for (const int tail : {8, 30}) {
    const WrappedKey wrapped(16, tail);
    OaepParameters parameters;
    REQUIRE(wrapped.rsa->UnwrapParameters(wrapped.workspace.Read("blob"), &parameters));
    const DisguisedKey disguised(parameters.key);
    CHECK(CountCopies(disguised) == 1);
    parameters.key.Wipe();
    CHECK(CountCopies(disguised) == 0);
  }
}

}  // namespace
}  // namespace ward::device
