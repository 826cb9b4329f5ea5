// Sealed states: keys and pixels move with them, once, and no counter of ENCRYPT_BLT comes twice.
#include <algorithm>
#include <array>
#include <set>

#include "tests/unit/device/state_rig.h"

namespace ward::fakes {
namespace {

TEST_CASE("a sealed state goes on with its keys and pixels") {
  StateRig origin;
  origin.SetUp();
  const uint32_t epoch = origin.Read(abi::kRegKeyEpoch);
  origin.Write(abi::kRegInterruptCause, ~0u);
  FakeSeal seal;
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(origin.Save(&seal), &seal) == 0);
  CHECK(copy.Read(abi::kRegKeyEpoch) == epoch);
  CHECK(copy.Read(abi::kRegInterruptCause) == 0);
  CHECK(copy.SessionState() == 1);
  CHECK(copy.ReadBackPixels() == copy.ExpectedPixels());
  // The content key is there, too: what libcrypto encrypts under it comes out right.
  copy.StartQueue(1, 1);
  auto command = MakeCommand<abi::DecryptBltCommand>(abi::DecryptBltCommand::kFlagContentKey);
  command.session = copy.session;
  command.source = StateRig::kCiphertextAddress;
  command.destination = StateRig::kProtectedAddress;
  command.length_bytes = StateRig::kFrameBytes;
  copy.Push(1, command);
  copy.RingAndRun(1);
  CHECK(copy.ReadBackPixels() ==
        StateRig::Ctr(kStateContentKey, Block{},
                      ConstByteSpan(copy.ports.bus.At(StateRig::kCiphertext, StateRig::kFrameBytes),
                                    StateRig::kFrameBytes)));
}

TEST_CASE("P15_a sealed state is the state, at every slice, and goes on as if never saved") {
  constexpr int kSlices = 40;
  const auto step = [](StateRig& rig) {
    const device::ProcessResult result = rig.gpu->Process(9000);
    if (!result.more && result.wakeup_ns > rig.ports.clock.now_ns) {
      rig.ports.clock.now_ns = result.wakeup_ns;
    }
  };
  for (int cut = 0; cut < kSlices; cut += 3) {
    StateRig origin;
    origin.SetUp(false);  // a read-back key would get a fresh counter
    origin.MakeBusy();
    origin.LetGo();
    for (int i = 0; i < cut; ++i) step(origin);
    FakeSeal seal;
    StateRig copy;
    copy.TakeMachineOf(origin);
    copy.ports.entropy = origin.ports.entropy;
    const uint64_t entropy = origin.ports.entropy.state;
    REQUIRE(copy.Load(origin.Save(&seal), &seal) == 0);
    CHECK(copy.gpu->StateHash() == origin.gpu->StateHash());
    copy.ports.entropy.state = origin.ports.entropy.state = entropy;
    for (int i = cut; i < kSlices; ++i) {
      step(origin);
      step(copy);
      CHECK(copy.gpu->StateHash() == origin.gpu->StateHash());
    }
    origin.Run();
    copy.Run();
    CHECK(copy.gpu->StateHash() == origin.gpu->StateHash());
    CHECK(copy.Save() == origin.Save());
    CHECK(copy.Fence(1) == 10);
    CHECK(copy.Fence(3) == 30);
    CHECK(copy.RefusalStatus(1) == 0);
  }
}

TEST_CASE("F8_a key exchange in the mailbox ends well where it was taken to") {
  StateRig origin;
  origin.SetUp();
  origin.MakeBusy();
  FakeSeal seal;
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(origin.Save(&seal), &seal) == 0);
  copy.Run();
  CHECK(copy.Fence(3) == 30);
  CHECK(copy.ports.bus.Load<uint32_t>(StateRig::kResponse + 0x100) == 0);
  CHECK(copy.SessionState() == 1);
  CHECK(copy.Fence(1) == 10);
}

TEST_CASE("a decryption that was saved half way ends with the right pixels") {
  StateRig origin;
  origin.SetUp();
  // Other pixels first, so that none of an older decryption can pass for these.
  origin.ports.bus.Store<uint64_t>(StateRig::kCiphertext + StateRig::kFrameBytes - 8, 1);
  origin.StartQueue(1, 1);
  origin.PushDecrypt(1);
  origin.Doorbell(1);
  for (int slice = 0; slice < 10; ++slice) origin.gpu->Process(4096);
  REQUIRE(origin.State(1) == 2);
  FakeSeal seal;
  StateRig copy;
  copy.TakeMachineOf(origin);
  REQUIRE(copy.Load(origin.Save(&seal), &seal) == 0);
  copy.Run();
  CHECK(copy.ReadBackPixels() == copy.ExpectedPixels());
}

TEST_CASE("R22: every load gives ENCRYPT_BLT a counter block of its own") {
  StateRig origin;
  origin.SetUp();
  FakeSeal seal;
  std::set<Block> blocks;
  for (int time = 0; time < 8; ++time) {
    StateRig copy;
    copy.TakeMachineOf(origin);
    copy.ports.entropy.state = static_cast<uint64_t>(time) + 1;
    REQUIRE(copy.Load(origin.Save(&seal), &seal) == 0);
    copy.ReadBackPixels();
    const Block block = copy.CounterBlock();
    blocks.insert(block);
    CHECK(block[0] < 0x80);  // 63 bits
    CHECK(LoadLe<uint64_t>(block.data() + 8) == 0);
  }
  origin.ReadBackPixels();  // what the chip that was saved would go on with
  blocks.insert(origin.CounterBlock());
  CHECK(blocks.size() == 9);
}

TEST_CASE("R22: an ENCRYPT_BLT that was saved half way begins anew under its own counter") {
  StateRig origin;
  origin.SetUp();
  origin.StartQueue(1, 1);
  origin.PushEncrypt(1);
  origin.PushFence(1, 10);
  origin.Doorbell(1);
  for (int slice = 0; slice < 10; ++slice) origin.gpu->Process(4096);
  REQUIRE(origin.State(1) == 2);
  FakeSeal seal;
  StateRig copy;
  copy.TakeMachineOf(origin);
  copy.ports.entropy.state = 1234;
  REQUIRE(copy.Load(origin.Save(&seal), &seal) == 0);
  copy.Run();
  origin.Run();
  CHECK(copy.Fence(1) == 10);
  CHECK(copy.CounterBlock() != origin.CounterBlock());
  CHECK(copy.DecipherReadBack() == copy.ExpectedPixels());
  CHECK(origin.DecipherReadBack() == origin.ExpectedPixels());
}

TEST_CASE("R22: no counter of ENCRYPT_BLT stands in the open part of a state") {
  StateRig origin;
  origin.SetUp();
  origin.StartQueue(1, 1);
  origin.PushEncrypt(1);
  origin.Doorbell(1);
  for (int slice = 0; slice < 10; ++slice) origin.gpu->Process(4096);
  REQUIRE(origin.State(1) == 2);
  FakeSeal seal;
  const std::vector<Bytes> states = {origin.Save(), origin.Save(&seal)};
  origin.Run();
  const Block block = origin.CounterBlock();  // of the one that was in flight
  std::array<uint8_t, 8> first, next;
  std::copy_n(block.begin(), 8, first.begin());
  uint64_t number = 0;
  for (const uint8_t byte : first) number = number << 8 | byte;
  REQUIRE(number != 0);
  StoreLe(next.data(), number + 1);
  for (const Bytes& state : states) {
    for (auto counter : {first, next}) {
      CHECK(std::search(state.begin(), state.end(), counter.begin(), counter.end()) == state.end());
      std::reverse(counter.begin(), counter.end());
      CHECK(std::search(state.begin(), state.end(), counter.begin(), counter.end()) == state.end());
    }
  }
}

TEST_CASE("P16_a sealed state is good once, and an older one is none") {
  StateRig origin;
  origin.SetUp();
  FakeSeal seal;
  const Bytes older = origin.Save(&seal);
  const Bytes newer = origin.Save(&seal);
  StateRig copy;
  REQUIRE(copy.Load(newer, &seal) == 0);
  const uint64_t hash = copy.gpu->StateHash();
  CHECK(copy.Load(newer, &seal) == abi::kStatusStateSpent);
  CHECK(copy.Load(older, &seal) == abi::kStatusStateSpent);
  CHECK(copy.gpu->StateHash() == hash);
}

TEST_CASE("P16_two sealed states of one moment do not bring back what the first one cleared") {
  StateRig origin;
  origin.SetUp();
  FakeSeal seal;
  const Bytes first = origin.Save(&seal);
  const Bytes second = origin.Save(&seal);
  origin.gpu->TearDown();
  REQUIRE(origin.Load(first, &seal) == 0);
  REQUIRE(origin.SessionState() == 1);
  REQUIRE(origin.StatusOf(abi::kMessageDestroySession, StateRig::WordBytes({origin.session, 0})) ==
          0);
  CHECK(origin.Load(second, &seal) == abi::kStatusStateSpent);
  origin.StartQueue(1, 1);
  origin.PushDecrypt(1);
  origin.RingAndRun(1);
  CHECK(origin.RefusalStatus(1) == abi::kStatusSessionInvalid);
  CHECK(origin.Load(origin.Save(&seal), &seal) == 0);  // one that was sealed since
}

TEST_CASE("a refused state is not spent by it") {
  StateRig origin;
  origin.SetUp();
  FakeSeal seal;
  const Bytes state = origin.Save(&seal);
  StateRig copy;
  copy.ports.entropy.available = false;
  CHECK(copy.Load(state, &seal) == abi::kStatusStateNoEntropy);
  FakeSeal other(0x43);
  CHECK(copy.Load(state, &other) == abi::kStatusStateSealWrong);
  CHECK(other.resumed == 0);
  copy.ports.entropy.available = true;
  CHECK(copy.Load(state, &seal) == 0);
}

TEST_CASE("P16_an old file without a seal gives no cleared key back") {
  StateRig origin;
  origin.SetUp();
  const Bytes state = origin.Save();
  REQUIRE(origin.StatusOf(abi::kMessageDestroySession, StateRig::WordBytes({origin.session, 0})) ==
          0);
  REQUIRE(origin.Load(state) == 0);
  CHECK(origin.SessionState() == 3);
  origin.StartQueue(1, 1);
  origin.PushDecrypt(1);
  origin.RingAndRun(1);
  CHECK(origin.RefusalStatus(1) == abi::kStatusSessionLost);
}

TEST_CASE("two sealed states of one moment share no byte of their secrets' ciphertext") {
  StateRig rig;
  rig.SetUp();
  FakeSeal seal;
  const Bytes first = rig.Save(&seal, false);
  const Bytes second = rig.Save(&seal, false);
  REQUIRE(first.size() == second.size());
  size_t equal = 0;
  for (size_t at = first.size() - StateRig::kFrameBytes; at < first.size(); ++at) {
    equal += first[at] == second[at];
  }
  CHECK(equal < StateRig::kFrameBytes / 256 * 2);  // chance gives about one of 256
}

TEST_CASE("F19_a damaged key stays damaged where it is taken to") {
  device::KeyVault vault(4);
  const auto slot = vault.Allocate(7, device::kKeyUsageDecrypt);
  REQUIRE(slot.ok());
  REQUIRE(vault.Store(slot.value(), 7, device::KeyVault::Key()));
  vault.DamageForTest(slot.value());
  FakeSeal seal;
  device::DerivedSeal derived;
  REQUIRE(device::DeriveSeal(seal.Key(), Bytes(32), &derived));
  device::SealingStream sealing(derived, {});
  vault.Seal(&sealing);
  Bytes sealed;
  REQUIRE(sealing.Finish(&sealed));
  device::OpeningStream opening(derived, {}, sealed);
  const auto state = vault.Unseal(&opening, 1);
  REQUIRE(state != nullptr);
  vault.WipeAll();
  vault.Load(*state);
  const auto released = vault.Release(slot.value(), 7, device::kKeyUsageDecrypt);
  REQUIRE_FALSE(released.ok());
  CHECK(released.fault().status == abi::kStatusKeyDamaged);
}

}  // namespace
}  // namespace ward::fakes
