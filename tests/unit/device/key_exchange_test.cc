// Keys in and out of the security processor, with an independent other party.
#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/crypto/workspace.h"
#include "tests/unit/device/security_bench.h"
#include "tests/unit/device/wrong_blobs.h"

namespace ward::device {
namespace {

// All that the outside can see of one key exchange, and the state that it leaves.
struct Outcome {
  Bytes response;
  uint64_t duration_ns;
  std::vector<std::tuple<std::string, std::string, uint64_t, uint64_t, uint64_t>> trace;
  uint64_t state_hash;
  bool operator==(const Outcome&) const = default;
};

Outcome Exchange(SecurityBench* bench, uint32_t session, const Bytes& blob) {
  bench->ports.trace.events.clear();
  const uint64_t start = bench->ports.clock.now_ns;
  Outcome outcome;
  outcome.response = bench->NegotiateBlob(session, blob).bytes;
  outcome.duration_ns = bench->ports.clock.now_ns - start;
  for (const auto& event : bench->ports.trace.events) {
    // The sender's own numbers, payload size and time of the answer, are taken out.
    const uint64_t own = event.name == "message" ? 8 + blob.size() : start;
    outcome.trace.emplace_back(event.name, event.detail, event.arguments[0], event.arguments[1],
                               event.arguments[2] - own);
  }
  outcome.state_hash = bench->StateHash();
  return outcome;
}

TEST_CASE("P10_ F11_ all failures of key exchange look alike: answer, time, trace, state") {
  // The 19 invalid blobs of each; for the chip those that are valid are wrong, too.
  const PublishedIdentity identity(GENERATE("rsa_oaep_2048_sha512_mgf1sha512_test.json",
                                            "rsa_oaep_2048_sha256_mgf1sha256_test.json"));
  const bool keyed = GENERATE(false, true);
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  if (keyed) REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  const uint64_t before = bench.StateHash();
  const std::vector<Bytes> blobs = WrongBlobs(identity);
  REQUIRE(blobs.size() > 50);
  const Outcome first = Exchange(&bench, session, blobs[0]);
  CHECK(LoadLe<uint32_t>(first.response.data()) == abi::kStatusKeyExchangeFailed);
  CHECK(first.response.size() == 16);
  CHECK(first.state_hash == before);
  REQUIRE(first.trace.size() == 2);
  CHECK(first.trace[0] == std::tuple("message", "NEGOTIATE_SESSION_KEY", kQueue, 1, 0));
  CHECK(first.trace[1] == std::tuple("answer", "KEY_EXCHANGE_FAILED", kQueue, 16, 20000));
  for (size_t i = 1; i < blobs.size(); ++i) {
    fakes::BeginFaultTry();
    INFO("blob " << i);
    CHECK(Exchange(&bench, session, blobs[i]) == first);
  }
  CHECK(bench.Query(session).Word(16) == (keyed ? 1 : 0));
  if (keyed) {
    const uint32_t slot = bench.GrantOf(session).session_slot;
    CHECK(bench.Holds(slot, session, kKeyUsageUnwrap, kSessionKey));
  }
}

TEST_CASE("P10_ F11_ each of the 2048 bits of a blob counts, and none is told from another") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  const Bytes good = identity.Wrap(kSessionKey);
  const Outcome first = Exchange(&bench, session, Bytes(256));
  REQUIRE(LoadLe<uint32_t>(first.response.data()) == abi::kStatusKeyExchangeFailed);
  for (size_t bit = 0; bit < 2048; ++bit) {
    fakes::BeginFaultTry();
    INFO("bit " << bit);
    CHECK(Exchange(&bench, session, Flipped(good, bit)) == first);
  }
  CHECK(bench.vault.allocated_count() == 0);
  CHECK(bench.NegotiateBlob(session, good).status == abi::kStatusOk);
}

TEST_CASE("a good exchange takes the same time as a bad one, and leaves the same trace names") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  const Outcome bad = Exchange(&bench, session, Bytes(256, 3));
  const Outcome good = Exchange(&bench, session, identity.Wrap(kSessionKey));
  CHECK(LoadLe<uint32_t>(good.response.data()) == abi::kStatusOk);
  CHECK(good.duration_ns == bad.duration_ns);
  CHECK(good.response.size() == bad.response.size());
  REQUIRE(good.trace.size() == bad.trace.size());
  CHECK(good.trace[0] == bad.trace[0]);
  CHECK(good.trace[1] == std::tuple("answer", "OK", kQueue, 16, 20000));
}

TEST_CASE("a key that the openssl command wrapped arrives in the vault") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  const test::Workspace workspace;
  workspace.WriteText("key.pem", identity.group()["privateKeyPem"].get<std::string>());
  workspace.Write("payload", kSessionKey);
  std::string output;
  const int code = workspace.Run(
      "openssl pkey -in key.pem -pubout -out public.pem && openssl pkeyutl -encrypt -pubin"
      " -inkey public.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha512"
      " -pkeyopt rsa_mgf1_md:sha512 -in payload -out blob",
      &output);
  INFO(output);
  REQUIRE(code == 0);
  REQUIRE(bench.NegotiateBlob(session, workspace.Read("blob")).status == abi::kStatusOk);
  const uint32_t slot = bench.GrantOf(session).session_slot;
  CHECK(bench.Holds(slot, session, kKeyUsageUnwrap | kKeyUsageDecrypt, kSessionKey));
  CHECK_FALSE(bench.Holds(slot, session, kKeyUsageEncrypt, kSessionKey));
}

TEST_CASE("DDI 7.5: the published wrapped content key is the published content key") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.SetContentKey(session, kWrappedContentKey) == abi::kStatusOk);
  const uint32_t slot = bench.GrantOf(session).content_slot;
  CHECK(bench.Holds(slot, session, kKeyUsageDecrypt, kContentKey));
  CHECK_FALSE(bench.Holds(slot, session, kKeyUsageUnwrap, kContentKey));
  CHECK_FALSE(bench.Holds(slot, session, kKeyUsageEncrypt, kContentKey));
}

TEST_CASE(
    "DDI 7.6: the application unwraps the read-back key that the vault holds, new each time") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  Block previous = {};
  uint64_t previous_iv = 0;
  for (int i = 0; i < 3; ++i) {
    const Reply reply = bench.GetReadbackKey(session);
    REQUIRE(reply.status == abi::kStatusOk);
    const Block key = Ecb(kSessionKey, reply.BlockAt(16), false);
    const Grant& grant = bench.GrantOf(session);
    CHECK(bench.Holds(grant.readback_slot, session, kKeyUsageEncrypt, key));
    CHECK_FALSE(bench.Holds(grant.readback_slot, session, kKeyUsageDecrypt, key));
    CHECK(key != previous);
    CHECK(grant.readback_iv != previous_iv);
    CHECK(grant.readback_iv >> 63 == 0);  // R22
    previous = key;
    previous_iv = grant.readback_iv;
  }
  CHECK(bench.vault.allocated_count() == 2);
}

TEST_CASE("R17: a second exchange clears the IV history and keeps read-back key and IV") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.SetContentKey(session, kWrappedContentKey) == abi::kStatusOk);
  REQUIRE(bench.GetReadbackKey(session).status == abi::kStatusOk);
  Grant& grant = bench.grants.At(session & 0xffff);
  grant.floors[0] = {true, 5, 6};
  grant.floors[1] = {true, 7, 8};
  grant.readback_iv = 99;
  grant.refusal_count = 3;
  const uint32_t readback_slot = grant.readback_slot;
  // Failed: the history stays. A new read-back key: so does the history of the others.
  REQUIRE(bench.NegotiateBlob(session, Bytes(256)).status == abi::kStatusKeyExchangeFailed);
  CHECK(grant.floors[0].used);
  CHECK(grant.floors[1].count == 8);

  REQUIRE(bench.Negotiate(session, kOtherKey) == abi::kStatusOk);
  CHECK_FALSE(grant.floors[0].used);
  CHECK_FALSE(grant.floors[1].used);
  CHECK(grant.content_slot == kNoSlot);
  CHECK(grant.readback_slot == readback_slot);
  CHECK(grant.readback_iv == 99);
  CHECK(grant.refusal_count == 3);
  CHECK(bench.Holds(grant.session_slot, session, kKeyUsageDecrypt, kOtherKey));
}

TEST_CASE("a new content key clears its own history only") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.SetContentKey(session, kWrappedContentKey) == abi::kStatusOk);
  Grant& grant = bench.grants.At(session & 0xffff);
  grant.floors[0] = {true, 5, 6};
  grant.floors[1] = {true, 7, 8};
  REQUIRE(bench.SetContentKey(session, kSessionKey) == abi::kStatusOk);
  CHECK(grant.floors[0].used);
  CHECK_FALSE(grant.floors[1].used);
}

TEST_CASE("F19_ a damaged session key costs that session; a new one works") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t lost = bench.CreateSession();
  const uint32_t other = bench.CreateSession();
  REQUIRE(bench.Negotiate(lost, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.Negotiate(other, kOtherKey) == abi::kStatusOk);
  bench.vault.DamageForTest(bench.GrantOf(lost).session_slot);
  const bool by_content_key = GENERATE(false, true);
  if (by_content_key) {
    CHECK(bench.SetContentKey(lost, kWrappedContentKey) == abi::kStatusKeyDamaged);
  } else {
    CHECK(bench.GetReadbackKey(lost).status == abi::kStatusKeyDamaged);
  }
  CHECK(bench.processor->firmware_state() == 1);
  CHECK(bench.Query(lost).Word(16) == 2);
  CHECK(bench.Negotiate(lost, kSessionKey) == abi::kStatusKeyDamaged);
  CHECK(bench.GetReadbackKey(other).status == abi::kStatusOk);
  CHECK(bench.Destroy(lost) == abi::kStatusOk);
  CHECK(bench.vault.allocated_count() == 2);
  const uint32_t fresh = bench.CreateSession();
  CHECK(bench.Negotiate(fresh, kSessionKey) == abi::kStatusOk);
  CHECK(bench.SetContentKey(fresh, kWrappedContentKey) == abi::kStatusOk);
}

TEST_CASE("P9_ sessions that differ in their keys alone look the same from outside") {
  const PublishedIdentity identity;
  const auto run = [&](const Block& key) {
    SecurityBench bench(identity);
    Bytes seen;
    const uint32_t session = bench.CreateSession();
    const auto note = [&](ConstByteSpan bytes) {
      seen.insert(seen.end(), bytes.begin(), bytes.end());
    };
    note(bench.NegotiateBlob(session, identity.Wrap(key)).bytes);
    note(bench
             .Send(abi::kMessageSetContentKey,
                   SecurityBench::Joined(SecurityBench::Words({session, 16}), kWrappedContentKey))
             .bytes);
    note(ConstByteSpan(bench.GetReadbackKey(session).bytes).first(16));  // rest: ciphertext
    note(bench.Query(session).bytes);
    note(SecurityBench::Words({static_cast<uint32_t>(bench.ports.clock.now_ns)}));
    for (const auto& event : bench.ports.trace.events) {
      for (uint64_t argument : event.arguments) {
        note(SecurityBench::Words({static_cast<uint32_t>(argument)}));
      }
    }
    return seen;
  };
  CHECK(run(kSessionKey) == run(kOtherKey));
}

}  // namespace
}  // namespace ward::device
