// F8 of docs/security-model.md: a machine is saved and restored at any moment of its work.
#include "tests/unit/device/fault_rig.h"
#include "tests/unit/device/state_rig.h"

namespace ward::fakes {
namespace {

// The queues' work is done, in whatever way.
void FinishWork(StateRig* rig) {
  rig->LetGo();
  rig->Run();
}

// A session that is made now decrypts what libcrypto decrypts.
void CheckFreshSession(StateRig* rig) {
  rig->session = StateRig::Words(
      rig->Send(1, abi::kMessageCreateSession, device::SecurityBench::CreatePayload()))[4];
  REQUIRE(rig->NegotiateStatus() == 0);
  const Bytes answer =
      rig->Send(1, abi::kMessageGetReadbackKey, StateRig::WordBytes({rig->session, 0}));
  Block wrapped;
  std::memcpy(wrapped.data(), answer.data() + 16, 16);
  rig->readback_key = device::Ecb(kStateSessionKey, wrapped, false);
  rig->Decrypt();
  CHECK(rig->ReadBackPixels() == rig->ExpectedPixels());
}

TEST_CASE("F8_ P15_ a machine saved at any moment goes on as it was, or as after a tear-down") {
  // Small ones: a state holds all of their memory.
  device::GpuOptions options = GpuRig::Options();
  options.visible_vram_bytes = 2 << 20;
  options.protected_vram_bytes = 1 << 20;
  for (const uint32_t seed : FaultSeeds()) {
    INFO("seed " << seed);
    Dice dice(seed);
    StateRig origin(options);
    origin.SetUp();
    origin.MakeBusy();
    if (dice.Below(2) == 0) origin.LetGo();
    for (uint32_t steps = dice.Below(60); steps != 0; --steps) {
      const device::ProcessResult result = origin.gpu->Process(dice.Between(1, 9000));
      if (!result.more && result.wakeup_ns > origin.ports.clock.now_ns) {
        origin.ports.clock.now_ns = result.wakeup_ns;
      }
    }
    FakeSeal seal;
    FakeSeal* const sealed = dice.Below(2) == 0 ? &seal : nullptr;
    const Bytes state = origin.Save(sealed);
    StateRig copy(options);
    copy.TakeMachineOf(origin);
    // Of another version, or damaged on the way: refused, and nothing of it is taken.
    Bytes wrong = state;
    wrong[dice.Below(static_cast<uint32_t>(wrong.size()))] ^=
        static_cast<uint8_t>(1u << dice.Below(8));
    const uint64_t hash = copy.gpu->StateHash();
    CHECK(copy.Load(wrong, sealed) != 0);
    CHECK(copy.gpu->StateHash() == hash);
    REQUIRE(copy.Load(state, sealed) == 0);
    // Twice: what is not sealed, as often as somebody likes; what is sealed, once.
    CHECK((copy.Load(state, sealed) == 0) == (sealed == nullptr));
    origin.gpu->TearDown();
    if (sealed == nullptr) CHECK(copy.Save() == origin.Save());
    FinishWork(&origin);
    FinishWork(&copy);
    for (uint32_t queue = 1; queue <= 5; ++queue) CHECK(copy.Fence(queue) == queue * 10);
    if (sealed == nullptr) {
      CHECK(copy.Save() == origin.Save());
    } else {
      CHECK(copy.RefusalStatus(1) == 0);
      CHECK(copy.ReadBackPixels() == copy.ExpectedPixels());
    }
    CheckFreshSession(&copy);
  }
}

}  // namespace
}  // namespace ward::fakes
