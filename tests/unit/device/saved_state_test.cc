// States without a seal: what comes back, what stays behind, and that it is never anywhere in the
// bytes (docs/spec/saved-state.md).
#include <unordered_set>

#include "tests/unit/device/state_rig.h"

namespace ward::fakes {
namespace {

// Every 8 bytes that stand somewhere in a state.
class Windows {
 public:
  explicit Windows(ConstByteSpan bytes) {
    for (size_t at = 0; at + 8 <= bytes.size(); ++at) {
      windows_.insert(LoadLe<uint64_t>(bytes.data() + at));
    }
  }
  // Any 8 bytes of `needle` in a row, in either direction.
  bool HoldAPieceOf(ConstByteSpan needle, size_t stride = 1) const {
    Bytes reversed(needle.rbegin(), needle.rend());
    for (const ConstByteSpan form : {needle, ConstByteSpan(reversed)}) {
      for (size_t at = 0; at + 8 <= form.size(); at += stride) {
        if (windows_.count(LoadLe<uint64_t>(form.data() + at)) != 0) return true;
      }
    }
    return false;
  }

 private:
  std::unordered_set<uint64_t> windows_;
};

void CheckHoldsNoSecret(const Windows& state, StateRig& rig) {
  for (const Block& key : {kStateSessionKey, kStateContentKey, kStateChannelKey, kStateOutputKey}) {
    CHECK_FALSE(state.HoldAPieceOf(key));
  }
  CHECK_FALSE(state.HoldAPieceOf(rig.readback_key));
  CHECK_FALSE(state.HoldAPieceOf(LoadTestIdentity(WARD_SOURCE_DIR).private_key));
  CHECK_FALSE(state.HoldAPieceOf(rig.ExpectedPixels(), 16));
}

TEST_CASE("P3_no key and no protected pixel is in a state, sealed or not") {
  StateRig rig;
  rig.SetUp();
  rig.MakeBusy();
  FakeSeal seal;
  const Bytes open = rig.Save();
  const Bytes sealed = rig.Save(&seal);
  CheckHoldsNoSecret(Windows(open), rig);
  CheckHoldsNoSecret(Windows(sealed), rig);
  // The search finds what is there: the blob in the mailbox, a word of visible VRAM.
  const Bytes blob(rig.ports.bus.At(GpuRig::RingAddress(3) + 40, 64),
                   rig.ports.bus.At(GpuRig::RingAddress(3) + 40, 64) + 64);
  CHECK(Windows(open).HoldAPieceOf(blob));
  CHECK(Windows(open).HoldAPieceOf(test::FromHex("8877665544332211")));
  // A key in the clear would have been found.
  Bytes planted = open;
  planted.insert(planted.end(), kStateContentKey.begin(), kStateContentKey.end());
  CHECK(Windows(planted).HoldAPieceOf(kStateContentKey));
}

TEST_CASE("P3_the sealed part of a state looks like noise") {
  StateRig rig;
  rig.SetUp();
  // A frame of one byte's value in protected memory, so that a leak of its shape would show.
  FakeSeal seal;
  const Bytes open = rig.Save(nullptr, false);
  const Bytes sealed = rig.Save(&seal, false);
  REQUIRE(sealed.size() > open.size() + StateRig::kFrameBytes);
  const ConstByteSpan secret = ConstByteSpan(sealed).last(StateRig::kFrameBytes);
  std::vector<double> counts(256);
  for (const uint8_t byte : secret) ++counts[byte];
  double chi_square = 0;
  const double expected = static_cast<double>(secret.size()) / 256;
  for (const double count : counts)
    chi_square += (count - expected) * (count - expected) / expected;
  CHECK(chi_square < 400);  // 255 degrees of freedom: 400 is nine in 10^9
}

TEST_CASE("P15_a state that is loaded is the state after a tear-down, and goes on as it does") {
  StateRig origin;
  origin.SetUp();
  origin.MakeBusy();
  const Bytes state = origin.Save();
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(state) == 0);
  origin.gpu->TearDown();
  CHECK(copy.Save() == origin.Save());
  CHECK(copy.ports.vram.bytes() == origin.ports.vram.bytes());
  origin.ports.interrupts.vectors.clear();
  copy.ports.interrupts.vectors.clear();
  for (StateRig* rig : {&origin, &copy}) {
    rig->Run();
    rig->LetGo();
    rig->Run();
  }
  CHECK(copy.Save() == origin.Save());
  CHECK(copy.ports.interrupts.vectors == origin.ports.interrupts.vectors);
  for (uint32_t queue = 1; queue <= 5; ++queue) {
    CHECK(copy.Fence(queue) == queue * 10);
    CHECK(copy.Fence(queue) == origin.Fence(queue));
  }
  CHECK(Bytes(copy.ports.bus.At(StateRig::kReadBack, StateRig::kFrameBytes),
              copy.ports.bus.At(StateRig::kReadBack, StateRig::kFrameBytes) +
                  StateRig::kFrameBytes) ==
        Bytes(origin.ports.bus.At(StateRig::kCiphertext, StateRig::kFrameBytes),
              origin.ports.bus.At(StateRig::kCiphertext, StateRig::kFrameBytes) +
                  StateRig::kFrameBytes));
}

TEST_CASE("P15_a state falls between any two slices") {
  constexpr int kSlices = 40;
  const auto step = [](StateRig& rig) {
    const device::ProcessResult result = rig.gpu->Process(9000);
    if (!result.more && result.wakeup_ns > rig.ports.clock.now_ns) {
      rig.ports.clock.now_ns = result.wakeup_ns;
    }
  };
  for (int cut = 0; cut < kSlices; cut += 3) {
    StateRig origin;
    origin.SetUp();
    origin.MakeBusy();
    origin.LetGo();
    for (int i = 0; i < cut; ++i) step(origin);
    StateRig copy;
    copy.TakeMachineOf(origin);
    REQUIRE(copy.Load(origin.Save()) == 0);
    origin.gpu->TearDown();
    for (int i = cut; i < kSlices; ++i) {
      step(origin);
      step(copy);
    }
    origin.Run();
    copy.Run();
    CHECK(copy.Save() == origin.Save());
    for (uint32_t queue = 1; queue <= 5; ++queue) CHECK(copy.Fence(queue) == origin.Fence(queue));
  }
}

TEST_CASE("keys and content are lost, KEYS_LOST tells, and the rest is there") {
  StateRig origin;
  origin.SetUp();
  origin.Write(abi::kRegScratch, 0x5eed);
  origin.Write(abi::kRegInterruptCause, abi::kInterruptCauseKeysLostMask);
  const uint32_t epoch = origin.Read(abi::kRegKeyEpoch);
  const Bytes state = origin.Save();
  // Once and again: a machine may be brought back as often as somebody likes.
  for (int time = 0; time < 2; ++time) {
    StateRig copy;
    copy.TakeMachineOf(origin);
    REQUIRE(copy.Load(state) == 0);
    CHECK(copy.Read(abi::kRegKeyEpoch) == epoch + 1);
    CHECK((copy.Read(abi::kRegInterruptCause) & abi::kInterruptCauseKeysLostMask) != 0);
    CHECK(copy.Read(abi::kRegScratch) == 0x5eed);
    CHECK(copy.ports.vram.Load<uint64_t>(0x3000) == 0x1122334455667788);
    CHECK(copy.SessionState() == 3);
    CHECK(copy.NegotiateStatus() == abi::kStatusSessionLost);
    CHECK(copy.StatusOf(abi::kMessageNegotiateChannelKey,
                        device::SecurityBench::NegotiatePayload(
                            copy.channel, StateRig::OtherParty().Wrap(kStateChannelKey))) ==
          abi::kStatusSessionLost);
    copy.StartQueue(1, 1);
    copy.PushEncrypt(1);
    copy.RingAndRun(1);
    CHECK(copy.RefusalStatus(1) == abi::kStatusSessionLost);
    CHECK(copy.StatusOf(abi::kMessageDestroySession, StateRig::WordBytes({copy.session, 0})) == 0);
    // A fresh session does a right decryption.
    copy.session = StateRig::Words(
        copy.Send(1, abi::kMessageCreateSession, device::SecurityBench::CreatePayload()))[4];
    REQUIRE(copy.NegotiateStatus() == 0);
    const Bytes answer =
        copy.Send(1, abi::kMessageGetReadbackKey, StateRig::WordBytes({copy.session, 0}));
    Block wrapped;
    std::memcpy(wrapped.data(), answer.data() + 16, 16);
    copy.readback_key = device::Ecb(kStateSessionKey, wrapped, false);
    copy.Decrypt();
    CHECK(copy.ReadBackPixels() == copy.ExpectedPixels());
  }
}

TEST_CASE("a load into a chip with keys of its own leaves none of them") {
  StateRig empty;
  const Bytes state = empty.Save();
  StateRig rig;
  rig.SetUp();
  REQUIRE(rig.Load(state) == 0);
  empty.gpu->TearDown();
  CHECK(rig.Save() == empty.Save());
  CHECK(rig.gpu->StateHash() == empty.gpu->StateHash());
}

TEST_CASE("F8_a decryption in flight ends as lost, a key exchange in flight too") {
  StateRig origin;
  origin.SetUp();
  origin.MakeBusy();
  const Bytes state = origin.Save();
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(state) == 0);
  copy.Run();
  CHECK(copy.Fence(1) == 10);
  CHECK(copy.RefusalStatus(1) == abi::kStatusSessionLost);
  CHECK(copy.Fence(3) == 30);
  CHECK(copy.ports.bus.Load<uint32_t>(StateRig::kResponse + 0x100) == abi::kStatusSessionLost);
  CHECK(copy.ports.bus.Load<uint32_t>(StateRig::kResponse + 0x200) == 0);  // the self test
  CHECK(copy.State(2) == 3);                                               // WAIT waits
  std::vector<uint8_t> pixels(4 * 640 * 360);
  copy.Write(abi::kRegOutputControl, 1);
  copy.StartQueue(0);
  auto flip = MakeCommand<abi::FlipCommand>();
  flip.address = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  flip.width = 640;
  flip.height = 360;
  flip.pitch = 4 * 640;
  copy.Push(0, flip);
  copy.RingAndRun(0);
  REQUIRE(copy.gpu->ReadScanout(0, device::ScanoutView::kOperator, pixels, 4 * 640));
  for (size_t i = 3; i < pixels.size(); i += 4) pixels[i] = 0;
  CHECK(pixels == Bytes(pixels.size()));
}

TEST_CASE("F8_a vector that waits for its mask is sent by the chip that took the state over") {
  StateRig origin;
  origin.SetUp();
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(origin.Save()) == 0);
  CHECK(copy.ports.interrupts.vectors.empty());
  CHECK((copy.gpu->ReadMsix(abi::kMsixPbaOffset, 4) & 1) != 0);
  copy.gpu->WriteMsix(12, 4, 0);
  CHECK(copy.ports.interrupts.vectors == std::vector<uint32_t>{0});
  CHECK((copy.Read(abi::kRegInterruptCause) & 1) != 0);
}

TEST_CASE("F8_an interrupt that moderation holds is sent when due by the chip that took over") {
  constexpr uint32_t kHoldUs = 500;
  StateRig origin;
  origin.SetUp();
  origin.gpu->WriteMsix(12, 4, 0);
  origin.Write(abi::kRegInterruptCause, 1);
  origin.Write(abi::kRegInterruptModeration,
               100 | kHoldUs << abi::kInterruptModerationMicrosecondsShift);
  origin.ports.interrupts.vectors.clear();
  origin.PushFence(0, 1000, abi::FenceCommand::kFlagInterrupt);
  origin.Doorbell(0);
  origin.gpu->Process(1 << 20);
  REQUIRE((origin.Read(abi::kRegInterruptCause) & 1) != 0);
  REQUIRE(origin.ports.interrupts.vectors.empty());
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(origin.Save()) == 0);
  CHECK(copy.ports.interrupts.vectors.empty());
  copy.ports.clock.now_ns = origin.ports.clock.now_ns + kHoldUs * 1000;
  copy.gpu->Process(1 << 20);
  CHECK(copy.ports.interrupts.vectors == std::vector<uint32_t>{0});
}

TEST_CASE("handles that live keep their low halves for themselves after a load") {
  StateRig origin;
  origin.SetUp();
  StateRig copy;
  copy.TakeMachineOf(origin);
  copy.ports.entropy.state = 99;
  REQUIRE(copy.Load(origin.Save()) == 0);
  std::vector<uint32_t> low;
  for (int i = 0; i < 60; ++i) {
    low.push_back(StateRig::Words(copy.Send(1, abi::kMessageCreateDecoder, Bytes(8)))[4]);
  }
  std::sort(low.begin(), low.end());
  CHECK(std::adjacent_find(low.begin(), low.end()) == low.end());
}

TEST_CASE("a state without visible VRAM leaves the loader's as it is") {
  StateRig origin;
  origin.SetUp();
  StateRig copy;
  copy.ports.vram.Store<uint64_t>(0x5000, 7);
  REQUIRE(copy.Load(origin.Save(nullptr, false)) == 0);
  CHECK(copy.ports.vram.Load<uint64_t>(0x5000) == 7);
  CHECK(copy.ports.vram.Load<uint64_t>(0x3000) == 0);
  REQUIRE(copy.Load(origin.Save()) == 0);
  CHECK(copy.ports.vram.bytes() == origin.ports.vram.bytes());
}

// docs/spec/saved-state.md: a clock that stands earlier only makes the chip wait longer.
TEST_CASE("a state with a running vblank loads where the clock stands earlier") {
  StateRig origin;
  origin.SetUp();
  origin.ports.clock.now_ns = 5000000000;
  origin.Write(abi::kRegOutputControl, 1);
  origin.Write(abi::kRegInterruptEnable, abi::kInterruptCauseVblank0Mask);
  origin.ports.clock.now_ns += 1000000000;
  origin.gpu->Process(1 << 20);
  REQUIRE(origin.Read(abi::kRegOutputVblankCount) == 60);
  StateRig copy;
  copy.TakeMachineOf(origin);
  copy.ports.clock.now_ns = 1000;
  REQUIRE(copy.Load(origin.Save()) == 0);
  const auto look_after = [&](uint64_t milliseconds) {
    copy.Write(abi::kRegInterruptCause, ~0u);
    copy.ports.clock.now_ns = 5000000000 + 1000000 * milliseconds;
    copy.gpu->Process(1 << 20);
    return (copy.Read(abi::kRegInterruptCause) & abi::kInterruptCauseVblank0Mask) != 0;
  };
  copy.ports.clock.now_ns = 2000;
  copy.gpu->Process(1 << 20);
  const device::ProcessResult result = copy.gpu->Process(1 << 20);
  CHECK(result.wakeup_ns == 5000000000 + 61 * 1000000000ull / 60 + 1);
  CHECK(copy.Read(abi::kRegOutputVblankCount) == 0);  // it stands, it does not run backwards
  CHECK_FALSE(look_after(900));
  CHECK(copy.Read(abi::kRegOutputVblankCount) == 54);
  CHECK(look_after(1020));
  CHECK(copy.Read(abi::kRegOutputVblankCount) == 61);
}

// The source of handles is keyed, and its key would foretell the handles to come.
TEST_CASE("P3_a state without a seal foretells no handle") {
  StateRig origin;
  origin.SetUp();
  const Bytes state = origin.Save();
  std::vector<uint32_t> handles;
  for (const uint64_t seed : {11, 12}) {
    StateRig copy;
    copy.TakeMachineOf(origin);
    copy.ports.entropy.state = seed;
    REQUIRE(copy.Load(state) == 0);
    handles.push_back(StateRig::Words(copy.Send(1, abi::kMessageCreateDecoder, Bytes(8)))[4]);
  }
  CHECK(handles[0] != handles[1]);
}

}  // namespace
}  // namespace ward::fakes
