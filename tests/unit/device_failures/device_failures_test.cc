// F14 of docs/security-model.md: libcrypto, its memory, the random source and the heap fail at each
// place, one after the other. What comes of it is a refusal, or the chip's error state.
#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "device/crypto/aes_cmac.h"
#include "tests/fakes/fake_seal.h"
#include "tests/unit/device/fault_rig.h"
#include "tests/unit/device/key_copies.h"
#include "tests/unit/device_failures/failing_calls.h"

namespace ward::fakes {
namespace {

using device::Block;
using device::SecurityBench;
using test::Failing;
using test::FailingCall;
using test::Unfailing;

constexpr uint32_t kVictim = 1;
constexpr uint32_t kCounterAt = 1024;  // of the output: the counter block of the read-back
constexpr uint32_t kReadBackBytes = 512;
// No kind of call is made more often by the session below; a count beyond is a loop that never
// ends.
constexpr uint64_t kMostCalls = 20'000;

// Made before anything fails: it starts libcrypto's own random generators, which do not recover in
// this process from a start without memory (docs/security-model.md).
const test::Bytes& Blob() {
  static const test::Bytes blob = device::PublishedIdentity().Wrap(device::kSessionKey);
  return blob;
}

// What libcrypto makes of one block of a counter mode.
uint8_t Stream(const Block& key, Block counter, uint32_t at) {
  for (uint32_t block = 0; block < at / 16; ++block) {
    for (size_t i = 16; i-- > 8 && ++counter[i] == 0;) {
    }
  }
  return device::Ecb(key, counter, /*encrypt=*/true)[at % 16];
}

// The life of a session: everything that a chip asks of libcrypto, and of whom it asks memory.
class Life {
 public:
  explicit Life(FaultRig* rig) : rig_(rig) { Blob(); }

  // Until something is refused. What was not refused is right.
  void Live() {
    const device::Reply created = Send(abi::kMessageCreateSession, SecurityBench::CreatePayload());
    if (created.status != abi::kStatusOk) return;
    const uint32_t session = created.Word(16);
    if (Send(abi::kMessageNegotiateSessionKey, SecurityBench::NegotiatePayload(session, Blob()))
            .status != abi::kStatusOk) {
      return;
    }
    const device::Reply readback =
        Send(abi::kMessageGetReadbackKey, SecurityBench::Words({session, 0}));
    if (readback.status != abi::kStatusOk) return;
    Block readback_key;
    {
      const Unfailing own;
      readback_key = device::Ecb(device::kSessionKey, readback.BlockAt(16), /*encrypt=*/false);
    }
    const test::Bytes wrapped =
        SecurityBench::Joined(SecurityBench::Words({session, 16}), device::kWrappedContentKey);
    if (Send(abi::kMessageSetContentKey, wrapped).status != abi::kStatusOk) return;
    if (!BltsAreRefused(session)) CheckPixels(readback_key);
    FakeSeal seal;
    const auto saved = rig_->gpu->SaveState({&seal, false});
    if (saved.ok()) {
      const auto loaded = rig_->gpu->LoadState(saved.value(), &seal);
      static_cast<void>(loaded);  // refused, or taken: both are a state of this chip
    }
    Send(abi::kMessageRunSelfTest, test::Bytes(8));
    Send(abi::kMessageDestroySession, SecurityBench::Words({session, 0}));
  }

 private:
  device::Reply Send(uint32_t message, const test::Bytes& payload) {
    rig_->PushMessage(kVictim, message, payload, FaultRig::kResponse, 64);
    rig_->RingAndRun(kVictim);
    const Unfailing own;
    REQUIRE(rig_->FaultStatus(kVictim) == 0);
    const uint8_t* bytes = rig_->ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kResponse), 64);
    return {LoadLe<uint32_t>(bytes), test::Bytes(bytes, bytes + 64)};
  }
  bool BltsAreRefused(uint32_t session) {
    uint8_t* source = rig_->ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kSource), 4096);
    for (uint32_t i = 0; i < 4096; ++i) source[i] = static_cast<uint8_t>(i * 13 + 5);
    abi::DecryptBltCommand decrypt = FaultRig::Decrypt(session);
    decrypt.flags = abi::DecryptBltCommand::kFlagContentKey;
    auto encrypt = MakeCommand<abi::EncryptBltCommand>();
    encrypt.session = session;
    encrypt.length_bytes = kReadBackBytes;
    encrypt.destination = FaultRig::kOutput;
    encrypt.source = FaultRig::kProtected;
    encrypt.iv_address = FaultRig::kOutput + kCounterAt;
    const uint32_t refused = rig_->ReadQueue(kVictim, abi::kRegRefusalCount);
    rig_->Push(kVictim, decrypt);
    rig_->Push(kVictim, encrypt);
    rig_->RingAndRun(kVictim);
    return rig_->ReadQueue(kVictim, abi::kRegRefusalCount) != refused;
  }
  void CheckPixels(const Block& readback_key) {
    const Unfailing own;
    const uint8_t* output = rig_->ports.bus.At(FaultRig::Bus(kVictim, FaultRig::kOutput), 4096);
    Block counter = {}, out_counter;
    counter[3] = 0x77;
    std::copy_n(output + kCounterAt, 16, out_counter.begin());
    for (const uint32_t at : {0u, 17u, 255u, kReadBackBytes - 1}) {
      const auto plain = static_cast<uint8_t>(output[at] ^ Stream(readback_key, out_counter, at));
      CHECK(plain ==
            static_cast<uint8_t>((at * 13 + 5) ^ Stream(device::kContentKey, counter, at)));
    }
  }

  FaultRig* rig_;
};

// libcrypto blinds a private key anew after so many uses. One that it began without memory does not
// fit, and lasts as long: the self test of each start sees it, and the chip stays in its error
// state.
constexpr int kUsesOfBlinding = 32;

int MostResets(Failing kind) { return kind == Failing::kLibcryptoMemory ? kUsesOfBlinding + 1 : 1; }

// After a failure: a chip in its error state leaves it by a reset, and then all is well.
void CheckRecovers(FaultRig* rig, int most_resets = 1) {
  CHECK((rig->gpu->Usage().firmware_ready || rig->gpu->Usage().key_slots.used == 0));
  int resets = 0;
  do {
    rig->gpu->Reset(device::ResetKind::kFunction);
    CHECK(rig->IsQuiet());
    CHECK(rig->gpu->Usage().key_slots.used == 0);
    CHECK(rig->gpu->Usage().sessions.used == 0);
    rig->PowerUp();
    rig->Run();
  } while (!rig->gpu->Usage().firmware_ready && ++resets < most_resets);
  CHECK(rig->FreshSessionDecrypts());
  rig->ports.bus.ClearLog();
  rig->ports.trace.events.clear();
}

// One life for each call; how many there were.
uint64_t FailEach(Failing kind) {
  for (uint64_t at = 0; at < kMostCalls; ++at) {
    INFO("call " << at);
    FaultRig rig;
    rig.Open(kVictim);
    BeginFaultTry();
    bool was_reached = false;
    {
      Life life(&rig);
      const FailingCall failing(kind, at);
      life.Live();
      was_reached = failing.WasReached();
    }
    CheckRecovers(&rig, MostResets(kind));
    if (!was_reached) return at;
  }
  FAIL("a session makes calls without end");
  return 0;
}

TEST_CASE(
    "F14_ each call of libcrypto fails in turn: a refusal or the error state, nothing wrong") {
  CHECK(FailEach(Failing::kLibcryptoCall) >= kFaultRepeats);
}

TEST_CASE("F14_ libcrypto gets no memory in turn: a refusal or the error state, nothing wrong") {
  CHECK(FailEach(Failing::kLibcryptoMemory) >= kFaultRepeats);
}

// Repeatable, but for one draw that gets nothing.
class FailingEntropy final : public device::EntropyPort {
 public:
  bool Fill(ByteSpan destination) override {
    return draws++ != failing_draw && good_.Fill(destination);
  }
  uint64_t draws = 0;
  uint64_t failing_draw = UINT64_MAX;

 private:
  SeededEntropy good_;
};

TEST_CASE("F14_ the random source fails at each draw: a refusal or the error state") {
  uint64_t failures = 0;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    FailingEntropy entropy;
    FaultRig rig;
    device::Ports ports = rig.ports.ports();
    ports.entropy = &entropy;
    rig.gpu = std::move(device::Gpu::Create(GpuRig::Options(), ports).value());
    rig.PowerUp();
    rig.Open(kVictim);
    // A session's draws are few: each of them comes up in a hundred tries.
    entropy.failing_draw = entropy.draws + Dice(seed).Below(10);
    Life(&rig).Live();
    failures += entropy.draws > entropy.failing_draw;
    entropy.failing_draw = UINT64_MAX;
    CheckRecovers(&rig);
    rig.gpu.reset();  // before its entropy
  }
  CHECK(failures >= kFaultRepeats / 2);
}

// The chip does not go on without memory of its own: std::bad_alloc leaves the call, as in any C++
// library, and its host ends. Nothing is leaked on the way, and no key stays behind.
TEST_CASE(
    "F14_ P5_ the heap fails at each allocation: the call throws, no key is left, none leaks") {
  const test::KeyOfChild key([](const Block& plain) {
    static const device::PublishedIdentity identity;
    return identity.Wrap(plain);
  });
  uint64_t thrown = 0;
  Dice dice(FaultSeed(0));
  // The first ones each; then, over the seeds, each too.
  for (uint64_t at = 0;; at += at < kFaultRepeats ? 1 : dice.Between(1, 40)) {
    INFO("allocation " << at);
    REQUIRE(at < kMostCalls);
    auto rig = std::make_unique<FaultRig>();
    rig->Open(kVictim);
    const uint32_t session = rig->OpenSession(kVictim, key.blob);
    rig->Push(kVictim, FaultRig::Decrypt(session));
    rig->RingAndRun(kVictim);
    BeginFaultTry();
    bool was_reached = false, has_thrown = false;
    {
      Life life(rig.get());
      const FailingCall failing(Failing::kHeap, at);
      try {
        life.Live();
      } catch (const std::bad_alloc&) {
        has_thrown = true;
      }
      was_reached = failing.WasReached();
    }
    CHECK(has_thrown == was_reached);
    thrown += has_thrown;
    rig.reset();
    if (dice.Below(16) == 0) CHECK(test::CountKeyCopies(key.disguised) == 0);
    if (!was_reached) break;
  }
  CHECK(thrown >= kFaultRepeats);
  FaultRig fresh;
  CHECK(fresh.FreshSessionDecrypts());
}

void CheckLeavesErrorState(device::Gpu* gpu, int most_resets) {
  for (int resets = 0; !gpu->Usage().firmware_ready; ++resets) {
    CHECK(gpu->Usage().key_slots.used == 0);
    REQUIRE(resets < most_resets);
    gpu->Reset(device::ResetKind::kFunction);
  }
}

// What is kept of libcrypto for later calls is made by the first one: in a process of its own.
TEST_CASE("F14_ a CMAC that fails, the first of a process too, does not make the next ones fail") {
  // RFC 4493, section 4, example 1.
  constexpr Block kKey = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                          0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
  constexpr Block kTagOfNothing = {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28,
                                   0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46};
  device::AesKey key;
  std::copy(kKey.begin(), kKey.end(), key.Expose().begin());
  for (const Failing kind : {Failing::kLibcryptoCall, Failing::kLibcryptoMemory}) {
    for (uint64_t at = 0;; ++at) {
      INFO("kind " << static_cast<int>(kind) << " call " << at);
      REQUIRE(at < kMostCalls);
      bool was_reached = false, is_computed = false;
      Block tag = {};
      {
        const FailingCall failing(kind, at);
        is_computed = device::ComputeAesCmac(key, {}, tag);
        was_reached = failing.WasReached();
      }
      CHECK(tag == (is_computed ? kTagOfNothing : Block{}));
      REQUIRE(device::ComputeAesCmac(key, {}, tag));
      CHECK(tag == kTagOfNothing);
      if (!was_reached) break;
    }
  }
}

TEST_CASE("F14_ a chip that is made while libcrypto or its memory fails is refused with a reason") {
  for (const Failing kind : {Failing::kLibcryptoCall, Failing::kLibcryptoMemory}) {
    for (uint64_t at = 0; at < kMostCalls; ++at) {
      INFO("kind " << static_cast<int>(kind) << " call " << at);
      BeginFaultTry();
      FakePorts ports(GpuRig::kVisibleBytes);
      const device::GpuOptions options = GpuRig::Options();
      bool was_reached = false;
      {
        const FailingCall failing(kind, at);
        auto created = device::Gpu::Create(options, ports.ports());
        was_reached = failing.WasReached();
        const Unfailing own;
        if (!created.ok()) CHECK_FALSE(std::string(created.fault().reason).empty());
        // One that was made all the same stands in its error state, or needed less than all.
        if (created.ok()) CheckLeavesErrorState(created.value().get(), MostResets(kind));
      }
      if (!was_reached) break;
    }
  }
  for (int i = 0; i < kUsesOfBlinding; ++i) FaultRig();
  FaultRig whole;
  CHECK(whole.FreshSessionDecrypts());
}

}  // namespace
}  // namespace ward::fakes
