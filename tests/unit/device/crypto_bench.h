// A crypto engine over chip memory, with two sessions and their keys, and a slow reference for what
// it does.
#ifndef WARD_TESTS_UNIT_DEVICE_CRYPTO_BENCH_H_
#define WARD_TESTS_UNIT_DEVICE_CRYPTO_BENCH_H_

#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "device/crypto_engine.h"
#include "tests/unit/device/chip_memory.h"

namespace ward::device::crypto_bench {

using Bytes = std::vector<uint8_t>;

inline constexpr uint32_t kContext = 3;
inline constexpr uint32_t kSession = 0x00070001;
inline constexpr uint32_t kOther = 0x00090002;  // another session of the same context

inline Bytes Hex(const std::string& text) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// NIST SP 800-38A's key; the other two are any.
inline const Bytes kSessionKey = Hex("2b7e151628aed2a6abf7158809cf4f3c");
inline const Bytes kContentKey = Hex("000102030405060708090a0b0c0d0e0f");
inline const Bytes kReadbackKey = Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");

inline Bytes Counter(uint64_t iv, uint64_t count) {
  Bytes block(16);
  StoreBe64(block.data(), iv);
  StoreBe64(block.data() + 8, count);
  return block;
}

// The reference: keystream made block by block with AES-ECB, Count wrapping alone, and one byte of
// keystream for each byte that `is_encrypted` names.
class Reference {
 public:
  Reference(const Bytes& key, const Bytes& counter) : key_(key), counter_(counter) {}

  template <typename IsEncrypted>
  Bytes Apply(Bytes data, IsEncrypted is_encrypted) const {
    uint64_t used = 0;
    for (size_t i = 0; i < data.size(); ++i) {
      if (is_encrypted(i)) data[i] ^= KeystreamByte(used++);
    }
    return data;
  }
  Bytes Apply(const Bytes& data) const {
    return Apply(data, [](size_t) { return true; });
  }

 private:
  uint8_t KeystreamByte(uint64_t position) const {
    if (block_.empty() || position / 16 != block_index_) {
      block_index_ = position / 16;
      Bytes input = counter_;
      StoreBe64(input.data() + 8, LoadBe64(counter_.data() + 8) + block_index_);
      block_.assign(32, 0);
      int size = 0;
      EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
      EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, key_.data(), nullptr);
      EVP_EncryptUpdate(context, block_.data(), &size, input.data(), 16);
      EVP_CIPHER_CTX_free(context);
    }
    return block_[position % 16];
  }

  Bytes key_;
  Bytes counter_;
  mutable Bytes block_;
  mutable uint64_t block_index_ = 0;
};

struct Bench : ChipMemory {
  explicit Bench(bool strict_iv = false, CtrEngine::Block block = CtrEngine::Block::kWidest,
                 ExecutorPort* executor = nullptr)
      : vault(16),
        grants(8),
        engine(&memory, &vault, &grants, strict_iv, executor, block),
        tables(this) {
    // With a host that shows its memory, and with one that does not.
    ports.bus.shows_windows = ports.vram.shows_windows = GENERATE(true, false);
    Grant& grant = grants.At(1);
    grant.session = kSession;
    grant.context = kContext;
    grant.session_slot = AddKey(kSessionKey, kSession, kKeyUsageUnwrap | kKeyUsageDecrypt);
    grant.content_slot = AddKey(kContentKey, kSession, kKeyUsageDecrypt);
    grant.readback_slot = AddKey(kReadbackKey, kSession, kKeyUsageEncrypt);
    grant.readback_iv = 0x7000;
    Grant& other = grants.At(2);
    other.session = kOther;
    other.context = kContext;
    other.session_slot = AddKey(kContentKey, kOther, kKeyUsageUnwrap | kKeyUsageDecrypt);
    other.readback_slot = AddKey(kContentKey, kOther, kKeyUsageEncrypt);
    // Virtual pages 0..15 system, 32..47 protected (backwards), 64..79 visible.
    for (uint64_t page = 0; page < 64; ++page) {
      tables.MapSystem(page, System(page * kPage));
      tables.MapLocal(64 + page, abi::kProtectedVramLocalBase + (63 - page) * kPage);
      tables.MapLocal(128 + page, page * kPage);
    }
  }
  static uint64_t SystemVa(uint64_t offset = 0) { return offset; }
  static uint64_t ProtectedVa(uint64_t offset = 0) { return 64 * kPage + offset; }
  static uint64_t VisibleVa(uint64_t offset = 0) { return 128 * kPage + offset; }
  static uint64_t PageOf(uint64_t protected_va) { return 63 - (protected_va / kPage - 64); }

  uint32_t AddKey(const Bytes& bytes, uint32_t session, uint32_t usage) {
    const uint32_t slot = vault.Allocate(session, usage).value();
    KeyVault::Key key;
    std::copy(bytes.begin(), bytes.end(), key.Expose().begin());
    REQUIRE(vault.Store(slot, session, std::move(key)));
    return slot;
  }
  Bytes ReadProtectedVa(uint64_t va, size_t size) {
    const auto range = tables.Space(kContext).Translate(va, size, Access::kRead);
    Bytes bytes(size);
    REQUIRE(memory.Read(range.value(), bytes).ok());
    return bytes;
  }
  template <typename Command>
  uint32_t Run(const Command& command, uint64_t budget_bytes = 4096, uint32_t context = kContext) {
    return Finish(Begin(command, tables.Space(context)), budget_bytes);
  }
  template <typename... T>
  Result<EngineJob> Begin(const T&... arguments) {
    EngineJob job;
    auto begun = engine.Begin(arguments..., &job);
    engine.ForgetKeyUse();  // the job moves, and tests change what it would have found
    if (!begun.ok()) return begun.fault();
    return job;
  }
  uint32_t Finish(Result<EngineJob> job, uint64_t budget_bytes) {
    if (!job.ok()) return job.fault().status;
    const auto done = RunJob(&engine, &job.value(), budget_bytes);
    return done.ok() ? abi::kStatusOk : done.fault().status;
  }

  KeyVault vault;
  GrantTable grants;
  CryptoEngine engine;
  ContextTables tables;
};

}  // namespace ward::device::crypto_bench

#endif  // WARD_TESTS_UNIT_DEVICE_CRYPTO_BENCH_H_
