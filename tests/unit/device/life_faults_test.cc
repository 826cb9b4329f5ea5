// F12, F13, F19 and F20 of docs/security-model.md: clocks that jump, sessions without end, damaged
// keys and self tests that fail.
#include <algorithm>
#include <set>
#include <vector>

#include "tests/unit/device/fault_rig.h"

namespace ward::fakes {
namespace {

using device::Block;
using device::kContentKey;
using device::kOtherKey;
using device::kSessionKey;
using device::kWrappedContentKey;
using device::LatencyPreset;
using device::PublishedIdentity;
using device::SecurityBench;

constexpr uint32_t kVictim = 1;
constexpr uint64_t kHourNs = 3600ull * 1000 * 1000 * 1000;

// A machine's clock that does what none should: an hour on or back, to where 64 bits turn negative,
// or nothing at all.
void Jump(Dice* dice, uint64_t* now_ns) {
  switch (dice->Below(5)) {
    case 0:
      *now_ns = *now_ns > UINT64_MAX - kHourNs ? UINT64_MAX : *now_ns + kHourNs;
      break;
    case 1:
      *now_ns -= std::min(*now_ns, kHourNs);
      break;
    case 2:
      *now_ns = (uint64_t{1} << 63) - 1000 + dice->Below(2000);
      break;
    case 3:
      *now_ns += dice->Below(1000);
      break;
    default:
      break;  // it stands
  }
}

TEST_CASE("F12_ a clock that jumps, stands or passes 2^63 amid work hangs nothing and loses none") {
  const test::Bytes create = SecurityBench::CreatePayload();
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    FaultRig rig;
    rig.Open(kVictim);
    rig.Open(2);
    const uint32_t session = rig.OpenSession(kVictim);
    rig.Write(abi::kRegInterruptEnable, 1u << kVictim);
    rig.Write(abi::kRegInterruptModeration, 100 | 500u << 16);
    for (int i = 0; i < 4; ++i) rig.Push(kVictim, FaultRig::Decrypt(session));
    rig.PushFence(kVictim, 1, abi::FenceCommand::kFlagInterrupt);
    rig.PushMessage(2, abi::kMessageCreateSession, create, FaultRig::kResponse, 64);
    rig.PushFence(2, 1);
    rig.Doorbell(kVictim);
    rig.Doorbell(2);
    for (int slice = 0; slice < 60; ++slice) {
      rig.gpu->Process(dice.Between(1, 4096));
      Jump(&dice, &rig.ports.clock.now_ns);
    }
    // From here on it goes as clocks go.
    rig.Run();
    for (const uint32_t queue : {kVictim, 2u}) {
      CHECK(rig.FaultStatus(queue) == 0);
      CHECK(rig.Fence(queue) == 1);
    }
    CHECK(rig.ReadQueue(kVictim, abi::kRegRefusalCount) == 0);
    CHECK(rig.ports.bus.Load<uint32_t>(FaultRig::Bus(2, FaultRig::kResponse)) == 0);
    CHECK(rig.FreshSessionDecrypts());
  }
}

TEST_CASE("F12_ a clock that goes back makes no wait shorter, and a hang is told of once it ends") {
  constexpr uint32_t kTimeoutMs = 50;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    FaultRig rig;
    rig.Open(kVictim);
    rig.WriteQueue(kVictim, abi::kRegQueueControl, 0);
    rig.WriteQueue(kVictim, abi::kRegQueueTimeout, kTimeoutMs);
    rig.StartQueue(kVictim, kVictim);
    rig.ports.clock.now_ns = kHourNs + dice.Below(1000);
    auto wait = MakeCommand<abi::WaitCommand>();
    wait.address = FaultRig::kOutput;
    wait.value = 1;
    rig.ports.bus.Store<uint64_t>(FaultRig::Bus(kVictim, FaultRig::kOutput), 0);
    rig.Push(kVictim, wait);
    rig.PushFence(kVictim, 1);
    rig.Doorbell(kVictim);
    rig.gpu->Process(1 << 20);
    for (int jump = 0; jump < 10; ++jump) {
      rig.ports.clock.now_ns = dice.Below(2) == 0 ? 1 + dice.Below(1000) : kHourNs;
      rig.gpu->Process(1 << 20);
      CHECK((rig.State(kVictim) & abi::kQueueStatusHungMask) == 0);
    }
    rig.ports.clock.now_ns = 2 * kHourNs;
    rig.gpu->Process(1 << 20);
    CHECK((rig.State(kVictim) & abi::kQueueStatusHungMask) != 0);
    CHECK(rig.Fence(kVictim) == 0);
    rig.ports.bus.Store<uint64_t>(FaultRig::Bus(kVictim, FaultRig::kOutput), 1);
    rig.Run();
    CHECK(rig.Fence(kVictim) == 1);
    CHECK(rig.FreshSessionDecrypts());
  }
}

// What a session has that must not change while others come and go.
struct Bystander {
  explicit Bystander(SecurityBench* bench) : bench_(bench) {
    session = bench->CreateSession();
    REQUIRE(bench->Negotiate(session, kOtherKey) == abi::kStatusOk);
    REQUIRE(bench->SetContentKey(session, kWrappedContentKey) == abi::kStatusOk);
  }
  bool IsAsItWas() const {
    const device::Grant& grant = bench_->GrantOf(session);
    // What the vault made of the wrapped key is what libcrypto makes of it.
    const Block content = device::Ecb(kOtherKey, kWrappedContentKey, /*encrypt=*/false);
    return bench_->Query(session).Word(16) == 1 && grant.session == session &&
           bench_->Holds(grant.session_slot, session, device::kKeyUsageUnwrap, kOtherKey) &&
           bench_->Holds(grant.content_slot, session, device::kKeyUsageDecrypt, content);
  }
  uint32_t session;

 private:
  SecurityBench* bench_;
};

// A session that is new gets a key, unwraps one with it, and has them as libcrypto says.
bool FreshSessionWorks(SecurityBench* bench, const test::Bytes& blob) {
  const uint32_t session = bench->CreateSession();
  const bool works =
      session != 0 && bench->NegotiateBlob(session, blob).status == abi::kStatusOk &&
      bench->SetContentKey(session, kWrappedContentKey) == abi::kStatusOk &&
      bench->Holds(bench->GrantOf(session).content_slot, session, device::kKeyUsageDecrypt,
                   device::Ecb(kSessionKey, kWrappedContentKey, /*encrypt=*/false));
  return works && bench->Destroy(session) == abi::kStatusOk;
}

TEST_CASE("F13_ 100,000 sessions at one place: numbers wrap, old ones are refused, others go on") {
  constexpr uint32_t kSessions = 100'000;
  const PublishedIdentity identity;
  const test::Bytes blob = identity.Wrap(kSessionKey);
  SecurityBench bench(identity);
  const Bystander bystander(&bench);
  const uint32_t slots = bench.vault.allocated_count();
  std::set<uint32_t> numbers;
  uint32_t previous = 0;
  for (uint32_t i = 0; i < kSessions; ++i) {
    BeginFaultTry();
    bench.ports.trace.events.clear();
    const uint32_t session = bench.CreateSession();
    REQUIRE(session != 0);
    REQUIRE(session != bystander.session);
    REQUIRE(session != previous);
    numbers.insert(session);
    if (i % 1000 == 0) {
      REQUIRE(bench.NegotiateBlob(session, blob).status == abi::kStatusOk);
      REQUIRE(bench.Query(previous).status == abi::kStatusSessionInvalid);
      REQUIRE(bystander.IsAsItWas());
    }
    REQUIRE(bench.Destroy(session) == abi::kStatusOk);
    previous = session;
  }
  CHECK(numbers.size() == 0xffff);  // each of them, and then again from the first
  CHECK(bench.vault.allocated_count() == slots);
  CHECK(bystander.IsAsItWas());
  CHECK(FreshSessionWorks(&bench, blob));
}

TEST_CASE(
    "F13_ sessions until none is left, closed in any order: one more is refused, none leaks") {
  const PublishedIdentity identity;
  const test::Bytes blob = identity.Wrap(kSessionKey);
  SecurityBench bench(identity);
  const Bystander bystander(&bench);
  const uint32_t slots = bench.vault.allocated_count();
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    bench.ports.trace.events.clear();
    std::vector<uint32_t> open;
    while (true) {
      const device::Reply reply =
          bench.Send(abi::kMessageCreateSession, SecurityBench::CreatePayload());
      if (reply.status != abi::kStatusOk) {
        CHECK(reply.status == abi::kStatusSessionsExhausted);
        break;
      }
      open.push_back(reply.Word(16));
      REQUIRE(open.size() < firmware::kSessionCount);
      if (dice.Below(20) == 0) {
        REQUIRE(bench.NegotiateBlob(open.back(), blob).status == abi::kStatusOk);
      }
    }
    CHECK(open.size() == firmware::kSessionCount - 1);
    CHECK(bystander.IsAsItWas());
    while (!open.empty()) {
      std::swap(open[dice.Below(static_cast<uint32_t>(open.size()))], open.back());
      REQUIRE(bench.Destroy(open.back()) == abi::kStatusOk);
      REQUIRE(bench.Destroy(open.back()) == abi::kStatusSessionInvalid);
      open.pop_back();
    }
    CHECK(bench.vault.allocated_count() == slots);
    CHECK(FreshSessionWorks(&bench, blob));
  }
  CHECK(bystander.IsAsItWas());
}

TEST_CASE("F19_ a bit that flips in any slot of several sessions costs its session alone") {
  constexpr uint32_t kSessions = 6;
  const PublishedIdentity identity;
  const test::Bytes blob = identity.Wrap(kSessionKey);
  SecurityBench bench(identity);
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    bench.ports.trace.events.clear();
    std::vector<uint32_t> sessions;
    for (uint32_t i = 0; i < kSessions; ++i) {
      sessions.push_back(bench.CreateSession());
      REQUIRE(bench.NegotiateBlob(sessions[i], blob).status == abi::kStatusOk);
      REQUIRE(bench.SetContentKey(sessions[i], kWrappedContentKey) == abi::kStatusOk);
    }
    const uint32_t lost = sessions[dice.Below(kSessions)];
    const device::Grant& grant = bench.GrantOf(lost);
    const uint32_t slot = dice.Below(2) == 0 ? grant.session_slot : grant.content_slot;
    const bool of_round_keys = dice.Below(2) == 0;
    if (!of_round_keys || !bench.vault.DamageRoundKeysForTest(slot, dice.Below(11 * 128))) {
      bench.vault.DamageForTest(slot);
    }
    // Seen at its next use, by an engine or by the firmware.
    const uint32_t usage =
        slot == grant.session_slot ? device::kKeyUsageUnwrap : device::kKeyUsageDecrypt;
    const auto released = bench.vault.Release(slot, lost, usage);
    REQUIRE_FALSE(released.ok());
    CHECK(released.fault().status == abi::kStatusKeyDamaged);
    CHECK(bench.GetReadbackKey(lost).status == abi::kStatusKeyDamaged);
    CHECK(bench.Query(lost).Word(16) == 2);
    CHECK(bench.processor->firmware_state() == 1);
    for (const uint32_t session : sessions) {
      if (session != lost) {
        CHECK(bench.Holds(bench.GrantOf(session).content_slot, session, device::kKeyUsageDecrypt,
                          kContentKey));
        CHECK(bench.GetReadbackKey(session).status == abi::kStatusOk);
      }
      CHECK(bench.Destroy(session) == abi::kStatusOk);
    }
    CHECK(bench.vault.allocated_count() == 0);
    CHECK(FreshSessionWorks(&bench, blob));
  }
}

// What a chip that is in its error state answers, whatever it is asked for.
void CheckErrorState(FaultRig* rig, uint32_t session) {
  CHECK(rig->Send(kVictim, abi::kMessageCreateSession, SecurityBench::CreatePayload()).status ==
        abi::kStatusSelfTestFailed);
  uint8_t* output = rig->ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kOutput), abi::kPageSize);
  std::fill_n(output, abi::kPageSize, uint8_t{0x3c});
  auto encrypt = MakeCommand<abi::EncryptBltCommand>();
  encrypt.session = session;
  encrypt.length_bytes = 64;
  encrypt.destination = FaultRig::kOutput;
  encrypt.source = FaultRig::kProtected;
  encrypt.iv_address = FaultRig::kOutput + 64;
  const uint32_t refused = rig->ReadQueue(kVictim, abi::kRegRefusalCount);
  rig->Push(kVictim, FaultRig::Decrypt(session));
  rig->Push(kVictim, encrypt);
  rig->RingAndRun(kVictim);
  CHECK(rig->ReadQueue(kVictim, abi::kRegRefusalCount) == refused + 2);
  CHECK(rig->ReadQueue(kVictim, abi::kRegRefusalStatus) == abi::kStatusDeviceInErrorState);
  CHECK(std::all_of(output, output + abi::kPageSize, [](uint8_t byte) { return byte == 0x3c; }));
  CHECK(rig->gpu->Usage().key_slots.used == 0);
  CHECK_FALSE(rig->gpu->Usage().firmware_ready);
}

TEST_CASE(
    "F20_ P12_ a self test that fails amid work stops all data and wipes all, until a reset") {
  FaultRig rig;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    rig.Open(kVictim);
    rig.Open(2);
    const uint32_t session = rig.OpenSession(kVictim);
    const uint32_t blts = dice.Below(5);
    for (uint32_t i = 0; i < blts; ++i) rig.Push(kVictim, FaultRig::Decrypt(session));
    rig.PushFence(kVictim, 1);
    // The random test, for want of entropy, while the blts are at some place or other.
    rig.PushMessage(2, abi::kMessageRunSelfTest, test::Bytes(8), FaultRig::kResponse, 64);
    rig.Doorbell(dice.Below(2) == 0 ? kVictim : 2);
    for (uint32_t steps = dice.Below(8); steps != 0; --steps) {
      rig.gpu->Process(dice.Between(1, 4096));
    }
    rig.ports.entropy.available = false;
    rig.Doorbell(kVictim);
    rig.Doorbell(2);
    rig.Run();
    rig.ports.entropy.available = true;
    CheckErrorState(&rig, session);
    rig.gpu->Reset(dice.OneOf({device::ResetKind::kFunction, device::ResetKind::kPowerOn}));
    CHECK(rig.IsQuiet());
    rig.PowerUp();
    CHECK(rig.FreshSessionDecrypts());
    rig.ports.trace.events.clear();
    rig.ports.bus.ClearLog();
    rig.gpu->Reset(device::ResetKind::kPowerOn);
    rig.PowerUp();
  }
}

TEST_CASE(
    "F20_ P12_ each test that fails at each start leaves a chip that moves no protected data") {
  constexpr int kTests = 7;
  for (int test = 0; test < kTests; ++test) {
    device::GpuOptions options = GpuRig::Options();
    options.failing_self_test = test;
    FaultRig rig(options);
    for (const uint32_t seed : FaultSeeds(20)) {
      INFO("test " << test << " seed " << seed);
      Dice dice(seed);
      rig.Open(kVictim);
      CheckErrorState(&rig, static_cast<uint32_t>(dice.Word()));
      rig.gpu->Reset(dice.OneOf({device::ResetKind::kFunction, device::ResetKind::kPowerOn}));
      rig.PowerUp();
    }
  }
  FaultRig whole;
  CHECK(whole.FreshSessionDecrypts());
}

}  // namespace
}  // namespace ward::fakes
