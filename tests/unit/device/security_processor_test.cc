// Mailbox, time, lives of sessions, reset and state. The key exchange has a file of its own.
#include "device/security_processor.h"

#include <algorithm>
#include <set>

#include "catch2/catch_test_macros.hpp"
#include "catch2/generators/catch_generators.hpp"
#include "catch2/generators/catch_generators_range.hpp"
#include "tests/unit/device/security_bench.h"

namespace ward::device {
namespace {

struct CreateOutcome {
  bool ok;
  uint32_t status;
  std::string reason;
};

CreateOutcome TryCreate(ConstByteSpan key, ConstByteSpan certificates) {
  fakes::FakePorts ports;
  Memory memory(ports.ports(), 1u << 20, 1u << 20);
  KeyVault vault(4);
  GrantTable grants(firmware::kSessionCount);
  Display display(&memory, &grants, &ports.clock);
  GpuOptions options;
  options.identity_private_key = key;
  options.identity_certificates = certificates;
  auto created =
      SecurityProcessor::Create(options, ports.ports(), &vault, &grants, &memory, &display);
  if (created.ok()) return {true, 0, ""};
  return {false, created.fault().status, created.fault().reason};
}

TEST_CASE("an identity that can't be used answers INVALID_ARGUMENT and says why") {
  const PublishedIdentity identity;
  const Bytes chain(100, 1);
  CHECK(TryCreate(identity.der(), chain).ok);
  Bytes cut = identity.der();
  cut.pop_back();
  for (const auto& outcome :
       {TryCreate({}, chain), TryCreate(chain, chain), TryCreate(cut, chain),
        TryCreate(identity.der(), {}), TryCreate(identity.der(), Bytes((1 << 20) + 1))}) {
    CHECK_FALSE(outcome.ok);
    CHECK(outcome.status == abi::kStatusInvalidArgument);
    CHECK_FALSE(outcome.reason.empty());
  }
}

TEST_CASE("firmware is ready after boot with real blocks, and starting after a reset") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  CHECK(bench.processor->firmware_state() == 1);
  bench.processor->Reset();
  CHECK(bench.processor->firmware_state() == 0);
  bench.processor->Boot();
  CHECK(bench.processor->firmware_state() == 1);
}

TEST_CASE(
    "P12_ F20_ each known-answer test that fails at boot leaves a device that answers no more") {
  const PublishedIdentity identity;
  const int test = GENERATE(range(0, 7));
  SecurityBench bench(identity, LatencyPreset::kFast, test);
  CHECK(bench.processor->firmware_state() == 2);
  REQUIRE(bench.ports.trace.CountOf("firmware") == 1);
  CHECK(bench.ports.trace.events.back().detail == "failed");
  CHECK(bench.ports.trace.events.back().arguments[0] == static_cast<uint64_t>(test) + 1);
  for (const abi::MessageInfo& message : abi::kMessages) {
    CHECK(bench.Send(message.number, Bytes(message.request_bytes)).status ==
          abi::kStatusSelfTestFailed);
  }
}

TEST_CASE("a source of entropy that fails or repeats fails the random test") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  bench.ports.entropy.available = false;
  CHECK(bench.Send(abi::kMessageRunSelfTest, Bytes(8)).status == abi::kStatusSelfTestFailed);
  CHECK(bench.processor->firmware_state() == 2);
  CHECK(bench.ports.trace.events.back().detail == "failed");
  CHECK(bench.vault.allocated_count() == 0);
  CHECK_FALSE(bench.grants.Find(session, 1).ok());
  bench.ports.entropy.available = true;
  CHECK(bench.CreateSession() == 0);
  bench.processor->Reset();
  bench.processor->Boot();
  CHECK(bench.CreateSession() != 0);
}

TEST_CASE("each message is charged its described time, to the nanosecond, whatever its outcome") {
  const PublishedIdentity identity;
  const LatencyPreset preset = GENERATE(LatencyPreset::kFast, LatencyPreset::kRealistic);
  SecurityBench bench(identity, preset);
  for (const abi::MessageInfo& message : abi::kMessages) {
    INFO(message.name);
    const uint64_t charge =
        preset == LatencyPreset::kFast ? message.latency_fast_ns : message.latency_realistic_ns;
    const uint64_t start = bench.ports.clock.now_ns;
    // Once refused for its length, once for its session (all zeros): the same time.
    for (const Bytes& payload : {Bytes(7), Bytes(message.request_bytes)}) {
      bench.ports.clock.now_ns = start;
      bench.Submit(message.number, payload, 1);
      CHECK(bench.processor->ReadyAtNs() == start + charge);
      bench.ports.clock.now_ns = start + charge - 1;
      CHECK(bench.processor->TakeResponse().empty());
      CHECK(bench.processor->Busy());
      bench.ports.clock.now_ns = start + charge;
      CHECK(bench.processor->TakeResponse().size() >= 16);
      CHECK_FALSE(bench.processor->Busy());
      CHECK(bench.processor->ReadyAtNs() == 0);
    }
  }
}

TEST_CASE("a number that is not described costs as much as the cheapest message") {
  const PublishedIdentity identity;
  SecurityBench bench(identity, LatencyPreset::kRealistic);
  const uint64_t start = bench.ports.clock.now_ns;
  bench.Submit(999, {}, 1);
  CHECK(bench.processor->ReadyAtNs() == start + 20000);
  CHECK(bench.Take().status == abi::kStatusMessageUnknown);
}

TEST_CASE("F12_ a clock near its end neither wraps the charge nor hangs the mailbox") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  bench.ports.clock.now_ns = UINT64_MAX - 1;
  bench.Submit(abi::kMessageCreateSession, SecurityBench::CreatePayload(), 1);
  CHECK(bench.processor->ReadyAtNs() == UINT64_MAX);
  CHECK(bench.processor->TakeResponse().empty());
  CHECK(bench.Take().status == abi::kStatusOk);
}

TEST_CASE("the response carries status, length and number, and reserved bytes are zero") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  bench.Submit(abi::kMessageCreateSession, SecurityBench::CreatePayload(), 1);
  CHECK(bench.processor->queue() == kQueue);
  const Reply created = bench.Take();
  REQUIRE(created.bytes.size() == 32);
  CHECK(Bytes(created.bytes.begin(), created.bytes.begin() + 24) ==
        SecurityBench::Words({0, 32, 1, 0, 0x10000, 1}));
  const Reply refused = bench.Send(77, {}, 1, 16);
  CHECK(refused.bytes == SecurityBench::Words({abi::kStatusMessageUnknown, 16, 77, 0}));
}

TEST_CASE("payloads and response buffers beyond the mailbox's are refused or not used") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  const Bytes blob(SecurityProcessor::kMaxPayloadBytes, 1);
  CHECK(bench.NegotiateBlob(session, blob).status == abi::kStatusMessageLengthInvalid);
  const Bytes largest(SecurityProcessor::kMaxPayloadBytes - 8, 1);
  CHECK(bench.NegotiateBlob(session, largest).status == abi::kStatusKeyExchangeFailed);
  CHECK(bench.Send(abi::kMessageQuerySession, SecurityBench::Words({session, 0}), 1, UINT32_MAX)
            .bytes.size() == 48);
}

TEST_CASE("the certificate chain comes out byte for byte") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const Bytes request = SecurityBench::Joined(
      SecurityBench::Joined(SecurityBench::Words({2, 0}),
                            ConstByteSpan(SecurityBench::CreatePayload()).first(16)),
      SecurityBench::Words({0, 65536}));
  const Reply reply = bench.Send(abi::kMessageGetCertificate, request, 1, 2000);
  REQUIRE(reply.status == abi::kStatusOk);
  CHECK(reply.Word(16) == 1500);
  CHECK(Bytes(reply.bytes.begin() + 32, reply.bytes.end()) == bench.certificate);
}

TEST_CASE("a message has no effect before its answer: dropped by queue, context or reset") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint64_t idle = bench.StateHash();
  bench.Submit(abi::kMessageCreateSession, SecurityBench::CreatePayload(), 5);
  CHECK_FALSE(bench.grants.Find(0x10000, 5).ok());

  SECTION("another queue's reset leaves it") {
    bench.processor->Abandon(kQueue + 1);
    bench.processor->EndContext(6);
    CHECK(bench.processor->Busy());
    CHECK(bench.Take().status == abi::kStatusOk);
    CHECK(bench.grants.Find(0x10000, 5).ok());
  }
  SECTION("its queue's reset drops it") {
    bench.processor->Abandon(kQueue);
    CHECK_FALSE(bench.processor->Busy());
    CHECK(bench.StateHash() == idle);
  }
  SECTION("its context's end drops it") {
    bench.processor->EndContext(5);
    CHECK_FALSE(bench.processor->Busy());
    CHECK(bench.StateHash() == idle);
  }
  SECTION("a reset drops it") {
    bench.processor->Reset();
    CHECK_FALSE(bench.processor->Busy());
  }
  bench.ports.clock.now_ns += 1'000'000'000;
  CHECK(bench.processor->TakeResponse().empty());
}

TEST_CASE("P8_ a context's end takes its keys and pages, and not those of another") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t first = bench.CreateSession(1);
  const uint32_t second = bench.CreateSession(2);
  REQUIRE(bench.Negotiate(first, kSessionKey, 1) == abi::kStatusOk);
  REQUIRE(bench.Negotiate(second, kOtherKey, 2) == abi::kStatusOk);
  bench.PutPage(0, first);
  bench.PutPage(1, second);
  bench.processor->EndContext(1);
  CHECK(bench.PageIsZero(0));
  CHECK(bench.memory.OwnerOf(0) == kNoOwner);
  CHECK_FALSE(bench.PageIsZero(1));
  CHECK(bench.memory.OwnerOf(1) == second);
  CHECK(bench.vault.allocated_count() == 1);
  CHECK(bench.Query(first, 1).status == abi::kStatusSessionInvalid);
  CHECK(bench.Query(second, 2).Word(16) == 1);
  CHECK(bench.Holds(bench.GrantOf(second).session_slot, second, kKeyUsageDecrypt, kOtherKey));
}

TEST_CASE("P8_ what a context sees does not depend on what another does") {
  const PublishedIdentity identity;
  const bool disturbed = GENERATE(false, true);
  static std::vector<Bytes> undisturbed_view;
  SecurityBench bench(identity);
  std::vector<Bytes> view;
  const uint32_t mine = bench.CreateSession(1);
  const auto disturb = [&] {
    if (!disturbed) return;
    const uint32_t other = bench.CreateSession(2);
    bench.Negotiate(other, kOtherKey, 2);
    bench.SetContentKey(mine, kWrappedContentKey, 2);
    bench.Negotiate(mine, kOtherKey, 2);
    bench.Destroy(mine, 2);
    bench.Destroy(other, 2);
  };
  disturb();
  const Bytes blob = test::FromHex(identity.group()["tests"][1]["ct"].get<std::string>());
  view.push_back(bench.NegotiateBlob(mine, blob, 1).bytes);  // 20-byte payload: fails
  disturb();
  view.push_back(bench.NegotiateBlob(mine, identity.Wrap(kSessionKey), 1).bytes);
  disturb();
  view.push_back(SecurityBench::Words({bench.SetContentKey(mine, kWrappedContentKey, 1)}));
  disturb();
  view.push_back(bench.Query(mine, 1).bytes);
  CHECK(bench.Holds(bench.GrantOf(mine).session_slot, mine, kKeyUsageDecrypt, kSessionKey));
  CHECK(bench.Holds(bench.GrantOf(mine).content_slot, mine, kKeyUsageDecrypt, kContentKey));
  if (!disturbed) undisturbed_view = view;
  CHECK(view == undisturbed_view);
}

TEST_CASE("P17_ a reset leaves no key, no grant, no page and no session, and the epoch grows") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  CHECK(bench.processor->key_epoch() == 1);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  bench.PutPage(2, session);
  bench.processor->Reset();
  CHECK(bench.processor->key_epoch() == 2);
  CHECK(bench.vault.allocated_count() == 0);
  CHECK_FALSE(bench.grants.Find(session, 1).ok());
  CHECK(bench.PageIsZero(2));
  bench.processor->Boot();
  CHECK(bench.Query(session).status == abi::kStatusSessionInvalid);
  const Reply created = bench.Send(abi::kMessageCreateSession, SecurityBench::CreatePayload());
  CHECK(created.Word(20) == 2);
}

TEST_CASE("F13_ sessions opened and closed in disorder leave no slot behind") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const Bytes blob = identity.Wrap(kSessionKey);
  std::vector<uint32_t> open;
  uint32_t state = 12345;
  for (int step = 0; step < 400; ++step) {
    state = state * 1664525 + 1013904223;
    const bool close = !open.empty() && ((state >> 16) % 3 == 0 || open.size() == 64);
    if (close) {
      const size_t at = (state >> 20) % open.size();
      REQUIRE(bench.Destroy(open[at]) == abi::kStatusOk);
      open.erase(open.begin() + static_cast<ptrdiff_t>(at));
      continue;
    }
    const uint32_t session = bench.CreateSession();
    REQUIRE(session != 0);
    REQUIRE(std::find(open.begin(), open.end(), session) == open.end());
    REQUIRE(bench.NegotiateBlob(session, blob).status == abi::kStatusOk);
    open.push_back(session);
    REQUIRE(bench.vault.allocated_count() == open.size());
  }
  for (uint32_t session : open) REQUIRE(bench.Destroy(session) == abi::kStatusOk);
  CHECK(bench.vault.allocated_count() == 0);
}

TEST_CASE("F13_ a full vault answers SESSIONS_EXHAUSTED and lets the others go on") {
  const PublishedIdentity identity;
  SecurityBench bench(identity, LatencyPreset::kFast, -1, 3);
  const uint32_t first = bench.CreateSession();
  const uint32_t second = bench.CreateSession();
  REQUIRE(bench.Negotiate(first, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.Negotiate(second, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.SetContentKey(first, kWrappedContentKey) == abi::kStatusOk);
  // A new exchange needs a slot for as long as the old key may have to stay.
  CHECK(bench.Negotiate(second, kOtherKey) == abi::kStatusSessionsExhausted);
  CHECK(bench.GetReadbackKey(second).status == abi::kStatusSessionsExhausted);
  CHECK(bench.Holds(bench.GrantOf(second).session_slot, second, kKeyUsageDecrypt, kSessionKey));
  REQUIRE(bench.Destroy(first) == abi::kStatusOk);
  CHECK(bench.Negotiate(second, kOtherKey) == abi::kStatusOk);
  CHECK(bench.GetReadbackKey(second).status == abi::kStatusOk);
}

TEST_CASE("P15_ the same messages after a load give the same answers and the same state") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  bench.Submit(abi::kMessageGetReadbackKey, SecurityBench::Words({session, 0}), 1);

  const uint64_t hash = bench.StateHash();
  const auto processor_state = bench.processor->Save();
  const auto vault_state = bench.vault.Save();
  const auto grant_state = bench.grants.Save();
  const uint64_t entropy_state = bench.ports.entropy.state;
  const uint64_t now = bench.ports.clock.now_ns;
  const Bytes first = bench.Take().bytes;
  const uint64_t hash_after = bench.StateHash();
  CHECK(hash_after != hash);
  bench.processor->Reset();

  bench.processor->Load(*processor_state);
  bench.vault.Load(*vault_state);
  bench.grants.Load(grant_state);
  bench.ports.entropy.state = entropy_state;
  bench.ports.clock.now_ns = now;
  CHECK(bench.StateHash() == hash);
  CHECK(bench.processor->key_epoch() == 1);
  CHECK(bench.Take().bytes == first);
  CHECK(bench.StateHash() == hash_after);
}

TEST_CASE("two processors that got the same have the same hash; another key shows") {
  const PublishedIdentity identity;
  const auto run = [&](const Bytes& blob) {
    SecurityBench bench(identity);
    const uint32_t session = bench.CreateSession();
    CHECK(bench.NegotiateBlob(session, blob).status == abi::kStatusOk);
    return bench.StateHash();
  };
  const uint64_t hash = run(identity.Wrap(kSessionKey));
  // Another blob of the same key: the state is about the key.
  CHECK(run(identity.Wrap(kSessionKey)) == hash);
  CHECK(run(identity.Wrap(kOtherKey)) != hash);
}

}  // namespace
}  // namespace ward::device
