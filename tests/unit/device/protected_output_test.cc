// A protected output on the real blocks: its negotiation's time in both presets, the vault's view
// of its key, its part of the state hash.
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/security_bench.h"

namespace ward::device {
namespace {

constexpr uint32_t kKernel = 0;

struct Bench : PublishedIdentity, SecurityBench {
  explicit Bench(LatencyPreset latency = LatencyPreset::kFast) : SecurityBench(*this, latency) {
    const Reply created = Send(abi::kMessageCreateProtectedOutput, Words({0, 1}), kKernel);
    REQUIRE(created.status == abi::kStatusOk);
    number = created.Word(16);
  }
  uint32_t SetKey() {
    const Block random =
        Send(abi::kMessageGetOutputRandom, Words({number, 0}), kKernel).BlockAt(16);
    Bytes plain(random.begin(), random.end());
    plain.insert(plain.end(), kSessionKey.begin(), kSessionKey.end());
    plain = Joined(plain, Words({1, 7}));
    return Send(abi::kMessageSetOutputKey, NegotiatePayload(number, identity.Wrap(plain)), kKernel)
        .status;
  }
  // OPM_SET_PROTECTION_LEVEL, signed by libcrypto.
  uint32_t SetLevel(uint32_t level, uint32_t sequence) {
    Bytes setting(4096);
    const Bytes guid = test::FromHex("7c32b99bb54e2747 9f00b42b0919c0da");
    std::copy(guid.begin(), guid.end(), setting.begin() + 16);
    const Bytes rest = Words({sequence, 16, 8, level});
    std::copy(rest.begin(), rest.end(), setting.begin() + 32);
    size_t written = 0;
    EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-128-CBC", nullptr, kSessionKey.data(), 16,
              setting.data() + 16, setting.size() - 16, setting.data(), 16, &written);
    return Send(abi::kMessageConfigureOutput, NegotiatePayload(number, setting), kKernel).status;
  }

  uint32_t number = 0;
};

TEST_CASE("a negotiation takes 1 us in the fast preset and 200 ms in the realistic one") {
  for (const LatencyPreset latency : {LatencyPreset::kFast, LatencyPreset::kRealistic}) {
    Bench bench(latency);
    REQUIRE(bench.SetKey() == abi::kStatusOk);
    REQUIRE(bench.SetLevel(1, 7) == abi::kStatusOk);
    const uint64_t expected = latency == LatencyPreset::kFast ? 1000 : 200000000;
    CHECK(bench.display.WakeupNs() == bench.ports.clock.now_ns + expected);
    REQUIRE(bench.SetLevel(0, 8) == abi::kStatusOk);
    CHECK(bench.display.WakeupNs() == 0);
  }
}

TEST_CASE("the vault knows a signing key by its protected output, and for MACs alone") {
  Bench bench;
  REQUIRE(bench.CreateSession() == bench.number);  // the same number, and no right to the key
  REQUIRE(bench.SetKey() == abi::kStatusOk);
  CHECK(bench.vault.allocated_count() == 1);
  CHECK(bench.Holds(0, bench.number | 0x4000, kKeyUsageMac, kSessionKey));
  for (const uint32_t owner : {bench.number, bench.number | 0x8000}) {
    CHECK_FALSE(bench.Holds(0, owner, kKeyUsageMac, kSessionKey));
  }
  for (const uint32_t usage : {kKeyUsageUnwrap, kKeyUsageDecrypt, kKeyUsageEncrypt}) {
    CHECK_FALSE(bench.Holds(0, bench.number | 0x4000, usage, kSessionKey));
  }
  CHECK(bench
            .Send(abi::kMessageDestroyProtectedOutput, SecurityBench::Words({bench.number, 0}),
                  kKernel)
            .status == abi::kStatusOk);
  CHECK(bench.vault.allocated_count() == 0);
}

TEST_CASE("protected outputs are part of the state: saved, hashed, gone after a reset") {
  Bench bench;
  const uint64_t created = bench.StateHash();
  const auto saved = bench.processor->Save();
  REQUIRE(bench.SetKey() == abi::kStatusOk);
  const uint64_t keyed = bench.StateHash();
  CHECK(keyed != created);
  REQUIRE(bench.SetLevel(1, 7) == abi::kStatusOk);
  CHECK(bench.StateHash() != keyed);
  bench.processor->Load(*saved);
  CHECK(bench.SetKey() == abi::kStatusOk);  // not keyed again
  bench.processor->Reset();
  bench.processor->Boot();
  CHECK(bench.Send(abi::kMessageGetOutputRandom, SecurityBench::Words({bench.number, 0}), kKernel)
            .status == abi::kStatusProtectedOutputInvalid);
  CHECK(bench.vault.allocated_count() == 0);
}

}  // namespace
}  // namespace ward::device
