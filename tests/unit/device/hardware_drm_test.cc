// Imported keys and tear-down on real blocks, with libcrypto as the application's side.
#include <tuple>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/hardware_bench.h"
#include "tests/unit/device/wrong_blobs.h"

namespace ward::device {
namespace {

TEST_CASE("an imported key is the application's bit for bit, and usable for decryption alone") {
  const PublishedIdentity identity;
  HardwareBench bench(identity);
  for (const size_t size : {40, 41, 126}) {
    INFO(size);
    const Reply reply =
        bench.Import(identity.Wrap(HardwareBench::Plain(bench.Token(), kOtherKey, size)));
    REQUIRE(reply.status == abi::kStatusOk);
    REQUIRE(reply.Word(16) == 0);
    REQUIRE(bench.Select() == abi::kStatusOk);
    const uint32_t slot = bench.GrantOf(bench.session).content_slot;
    CHECK(bench.Holds(slot, bench.session, kKeyUsageDecrypt, kOtherKey));
    for (const uint32_t usage : {kKeyUsageUnwrap, kKeyUsageEncrypt, kKeyUsageMac}) {
      CHECK_FALSE(bench.vault.Release(slot, bench.session, usage).ok());
    }
    CHECK(bench.vault.allocated_count() == 1);
  }
}

TEST_CASE("P10_ whatever is wrong with an import, answer, time, trace and state are the same") {
  const PublishedIdentity identity;
  const auto outcome_of = [&identity](auto make_blob) {
    HardwareBench bench(identity);
    const Bytes blob = make_blob(bench.Token());
    bench.ports.trace.events.clear();
    const uint64_t start = bench.ports.clock.now_ns;
    const Reply reply = bench.Import(blob);
    CHECK(reply.status == abi::kStatusOk);
    CHECK(reply.Word(16) == kInvalidArgument);
    CHECK(bench.vault.allocated_count() == 0);
    // The vault's count of keys that it ever took is seen by nobody.
    StateHasher state;
    bench.processor->Hash(&state);
    bench.grants.Hash(&state);
    std::vector<std::tuple<std::string, std::string, uint64_t, uint64_t, uint64_t>> trace;
    for (const auto& event : bench.ports.trace.events) {
      // The sender's own: the size of what it sent.
      const uint64_t own = event.name == "message" ? blob.size() : 0;
      trace.emplace_back(event.name, event.detail, event.arguments[0], event.arguments[1],
                         event.arguments[2] - own);
    }
    return std::tuple(reply.bytes, bench.ports.clock.now_ns - start, trace, state.value());
  };
  const auto expected = outcome_of([](uint64_t) { return Bytes(256); });
  const auto plain = HardwareBench::Plain;
  CHECK(outcome_of([&](uint64_t token) {
          return identity.Wrap(plain(token + 1, kOtherKey, 40));
        }) == expected);
  CHECK(outcome_of([&](uint64_t token) { return identity.Wrap(plain(token, kOtherKey, 39)); }) ==
        expected);
  CHECK(outcome_of([&](uint64_t token) {
          Bytes wrong = plain(token, kOtherKey, 40);
          wrong[39] = 1;
          return identity.Wrap(wrong);
        }) == expected);
  CHECK(outcome_of([&](uint64_t token) {
          return identity.Wrap(plain(token, kOtherKey, 40), EVP_sha1(), EVP_sha1());
        }) == expected);
  CHECK(outcome_of([&](uint64_t token) {
          Bytes blob = identity.Wrap(plain(token, kOtherKey, 40));
          blob[100] ^= 4;
          return blob;
        }) == expected);
  for (const Bytes& blob : WrongBlobs(identity)) {
    CHECK(outcome_of([&](uint64_t) { return blob; }) == expected);
  }
}

TEST_CASE("the trusted application's answers tell the time that they were charged") {
  const PublishedIdentity identity;
  for (const auto latency : {LatencyPreset::kFast, LatencyPreset::kRealistic}) {
    SecurityBench bench(identity, latency);
    const Reply created =
        bench.Send(abi::kMessageCreateSession, test::FromHex("11d76b9b744fc9419e7b0be2d7d93b4f"
                                                             "00000000000000000000000000000000"
                                                             "8a0d17b18d62a34dad3b82ddb08b4970"));
    const uint64_t start = bench.ports.clock.now_ns;
    const Reply reply =
        bench.Send(abi::kMessageCallTrusted, SecurityBench::Words({created.Word(16), 0, 0, 16}));
    CHECK(LoadLe<uint64_t>(reply.bytes.data() + 24) == bench.ports.clock.now_ns - start);
  }
}

TEST_CASE("tear-down wipes keys, zeroes protected memory and begins an epoch; firmware goes on") {
  const PublishedIdentity identity;
  HardwareBench bench(identity);
  REQUIRE(bench.Import(identity.Wrap(HardwareBench::Plain(bench.Token(), kOtherKey))).Word(16) ==
          0);
  const uint32_t oaep = bench.CreateSession();
  REQUIRE(bench.Negotiate(oaep, kSessionKey) == abi::kStatusOk);
  bench.PutPage(3, oaep);
  bench.PutPage(5, 0);
  const uint32_t epoch = bench.processor->key_epoch();
  bench.processor->TearDown();
  CHECK(bench.vault.allocated_count() == 0);
  CHECK(bench.PageIsZero(3));
  CHECK(bench.PageIsZero(5));
  CHECK(bench.processor->key_epoch() == epoch + 1);
  CHECK(bench.processor->firmware_state() == 1);
  CHECK(bench.Query(oaep).Word(16) == 3);
  CHECK(bench.Query(bench.session).Word(16) == 3);
  CHECK(bench.Query(oaep).Word(28) == epoch);
  const auto found = bench.grants.Find(oaep, 1);
  REQUIRE_FALSE(found.ok());
  CHECK(found.fault().status == abi::kStatusSessionLost);
  bench.grants.CountRefusal(oaep, 1, 77);
  CHECK(bench.Query(oaep).Word(20) == 1);
  CHECK(bench.Destroy(oaep) == abi::kStatusOk);
  const uint32_t fresh = bench.CreateSession();
  CHECK(bench.Query(fresh).Word(28) == epoch + 1);
  CHECK(bench.Negotiate(fresh, kSessionKey) == abi::kStatusOk);
}

TEST_CASE("a message that is in flight at a tear-down is answered, from the state after it") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  bench.Submit(abi::kMessageNegotiateSessionKey,
               SecurityBench::NegotiatePayload(session, identity.Wrap(kSessionKey)), 1);
  const uint64_t ready = bench.processor->ReadyAtNs();
  bench.processor->TearDown();
  CHECK(bench.processor->ReadyAtNs() == ready);
  CHECK(bench.Take().status == abi::kStatusSessionLost);
  CHECK(bench.vault.allocated_count() == 0);
}

TEST_CASE("a failed firmware stays failed through a tear-down") {
  const PublishedIdentity identity;
  SecurityBench bench(identity, {}, 3);
  bench.processor->TearDown();
  CHECK(bench.processor->firmware_state() == 2);
  CHECK(bench.processor->key_epoch() == 2);
}

TEST_CASE("P15_ imported keys, their token and a loss are part of saved state and of the hash") {
  const PublishedIdentity identity;
  HardwareBench bench(identity);
  const uint64_t token = bench.Token();
  const auto firmware_state = bench.processor->Save();
  const auto keys = bench.vault.Save();
  const auto grants = bench.grants.Save();
  const uint64_t hash = bench.StateHash();
  const auto go_back = [&] {
    bench.processor->Load(*firmware_state);
    bench.vault.Load(*keys);
    bench.grants.Load(grants);
    CHECK(bench.StateHash() == hash);
  };
  const Bytes blob = identity.Wrap(HardwareBench::Plain(token, kOtherKey));
  REQUIRE(bench.Import(blob).Word(16) == 0);
  const uint64_t imported = bench.StateHash();
  CHECK(imported != hash);
  go_back();
  REQUIRE(bench.Import(blob).Word(16) == 0);
  CHECK(bench.StateHash() == imported);
  go_back();
  bench.processor->TearDown();
  CHECK(bench.StateHash() != hash);
  go_back();
  CHECK(bench.Query(bench.session).Word(16) == 0);
}

}  // namespace
}  // namespace ward::device
