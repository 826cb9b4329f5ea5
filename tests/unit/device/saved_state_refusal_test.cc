// F10: bytes that are no state of this chip are refused with a reason, and the chip is as it was.
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "device/crypto/sha256.h"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/device/state_rig.h"

namespace ward::fakes {
namespace {

// Offsets of docs/spec/saved-state.md.
constexpr size_t kFormatOffset = 8;
constexpr size_t kAbiOffset = 12;
constexpr size_t kLayoutOffset = 16;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8 + (8 + 8 + 4 + 1 + 1 + 32) + 1 + 8 + 32 + 16;
constexpr size_t kLengthOffset = kHeaderBytes + 8;  // of the first section

Bytes WithFreshDigest(Bytes state) {
  const size_t end = state.size() - device::kSha256Bytes;
  REQUIRE(device::ComputeSha256(ConstByteSpan(state).first(end), ByteSpan(state).subspan(end)));
  return state;
}

Bytes Altered(Bytes state, size_t at, uint8_t bits = 0xff) {
  state[at] ^= bits;
  return state;
}

// Refused with this status; nothing changed.
void CheckRefused(StateRig& rig, ConstByteSpan state, uint32_t status,
                  device::StateSeal* seal = nullptr) {
  const uint64_t hash = rig.gpu->StateHash();
  CHECK(rig.Load(state, seal) == status);
  CHECK(rig.gpu->StateHash() == hash);
}

// The chip that refused works as before.
void CheckWorks(StateRig& rig) {
  CHECK(rig.SessionState() == 1);
  CHECK(rig.ReadBackPixels() == rig.ExpectedPixels());
}

TEST_CASE("F10_a state that is cut anywhere is refused") {
  StateRig rig;
  rig.SetUp();
  rig.MakeBusy();
  FakeSeal seal;
  const Bytes open = rig.Save(nullptr, false);
  for (size_t size = 0; size < open.size(); ++size) {
    BeginFaultTry();
    const uint32_t status = rig.Load(ConstByteSpan(open).first(size));
    REQUIRE((status == abi::kStatusStateMalformed || status == abi::kStatusStateDamaged));
  }
  Bytes longer = open;
  longer.push_back(0);
  CheckRefused(rig, longer, abi::kStatusStateDamaged);
  const Bytes sealed = rig.Save(&seal, false);
  for (size_t size = 0; size < sealed.size(); size += 997) {
    BeginFaultTry();
    REQUIRE(rig.Load(ConstByteSpan(sealed).first(size), &seal) != 0);
  }
  rig.LetGo();
  rig.Run();
  CheckWorks(rig);
}

TEST_CASE("F10_a state with any byte flipped is refused") {
  StateRig rig;
  rig.SetUp();
  rig.MakeBusy();
  Bytes state = rig.Save(nullptr, false);
  const uint64_t hash = rig.gpu->StateHash();
  for (size_t at = 0; at < state.size(); ++at) {
    BeginFaultTry();
    const auto bits = static_cast<uint8_t>(1u << at % 8);
    state[at] ^= bits;
    const uint32_t status = rig.Load(state);
    state[at] ^= bits;
    REQUIRE((status == abi::kStatusStateMalformed || status == abi::kStatusStateVersion ||
             status == abi::kStatusStateDamaged));
  }
  CHECK(rig.gpu->StateHash() == hash);
  rig.LetGo();
  rig.Run();
  CheckWorks(rig);
}

TEST_CASE("F10_a sealed state with any byte flipped and a fresh digest is refused") {
  device::GpuOptions options = GpuRig::Options();
  options.protected_vram_bytes = 1 << 20;
  StateRig rig(options);
  rig.SetUp();
  FakeSeal seal;
  const Bytes state = rig.Save(&seal, false);
  StateRig target(options);
  const uint64_t hash = target.gpu->StateHash();
  for (size_t at = 0; at < state.size() - device::kSha256Bytes; at += 211) {
    BeginFaultTry();
    INFO(at);
    REQUIRE(target.Load(WithFreshDigest(Altered(state, at, 0x10)), &seal) != 0);
  }
  CHECK(target.gpu->StateHash() == hash);
  CHECK(seal.resumed == 0);
  CHECK(target.Load(state, &seal) == 0);
}

// Whoever can write the file can make its digest fit. Such a state is refused or taken, but it
// never brings the chip to anything that it is not made for.
TEST_CASE("F10_a forged state is refused or harmless") {
  StateRig origin;
  origin.SetUp();
  origin.MakeBusy();
  const Bytes state = origin.Save(nullptr, false);
  StateRig rig;
  rig.TakeMachineOf(origin);
  SeededEntropy choice;
  choice.state += FaultSeed(0);
  const auto draw = [&choice](uint64_t below) {
    uint8_t bytes[8];
    choice.Fill(bytes);
    return LoadLe<uint64_t>(bytes) % below;
  };
  size_t taken = 0;
  for (int round = 0; round < 500; ++round) {
    BeginFaultTry();
    Bytes forged = state;
    for (uint64_t count = 1 + draw(3); count != 0; --count) {
      const size_t at = kHeaderBytes + draw(state.size() - device::kSha256Bytes - kHeaderBytes);
      forged[at] = draw(2) == 0 ? static_cast<uint8_t>(draw(256))
                                : static_cast<uint8_t>(forged[at] ^ 1u << draw(8));
    }
    if (rig.Load(WithFreshDigest(std::move(forged))) != 0) continue;
    ++taken;
    for (int slice = 0; slice < 30; ++slice) {
      const device::ProcessResult result = rig.gpu->Process(20000);
      if (!result.more) rig.ports.clock.now_ns = result.wakeup_ns;
    }
    std::vector<uint8_t> pixels(4 * 640 * 360);
    static_cast<void>(rig.gpu->ReadScanout(0, device::ScanoutView::kOperator, pixels, 4 * 640));
    static_cast<void>(rig.Save(nullptr, false));
    rig.gpu->Reset(device::ResetKind::kFunction);
  }
  CHECK(taken > 50);  // the checks do not refuse whatever differs
}

TEST_CASE("F10_a length of 1 GiB, or of all ones, takes no memory") {
  StateRig rig;
  rig.SetUp();
  const Bytes state = rig.Save(nullptr, false);
  for (const uint64_t length : {uint64_t{1} << 30, ~uint64_t{0}, uint64_t{1} << 63}) {
    Bytes forged = state;
    BeginFaultTry();
    StoreLe(forged.data() + kLengthOffset, length);
    CheckRefused(rig, WithFreshDigest(forged), abi::kStatusStateInvalid);
    // The first list in it: the registers.
    forged = state;
    StoreLe(forged.data() + kLengthOffset + 8, length);
    CheckRefused(rig, WithFreshDigest(forged), abi::kStatusStateInvalid);
  }
  CheckWorks(rig);
}

device::GpuOptions OtherIdentity() {
  static const Bytes key = test::FromHex(
      test::ReadVectorFile(
          "rsa_oaep_2048_sha256_mgf1sha256_test.json")["testGroups"][0]["privateKeyPkcs8"]
          .get<std::string>());
  device::GpuOptions options = GpuRig::Options();
  options.identity_key = nullptr;
  options.identity_private_key = key;
  return options;
}

TEST_CASE("F10_a state of another device is refused") {
  StateRig rig;
  rig.SetUp();
  std::vector<device::GpuOptions> others(6, GpuRig::Options());
  others[0] = OtherIdentity();
  others[1].strict_iv = true;
  others[2].latency = device::LatencyPreset::kRealistic;
  others[3].protected_vram_bytes = 1 << 20;
  others[4].visible_vram_bytes = 8 << 20;
  others[5].open_decrypt = true;
  for (const device::GpuOptions& options : others) {
    BeginFaultTry();
    StateRig other(options);
    CheckRefused(rig, other.Save(), abi::kStatusStateOtherDevice);
  }
  CheckWorks(rig);
}

TEST_CASE("a state of another version is refused, and says so") {
  StateRig rig;
  rig.SetUp();
  const Bytes state = rig.Save(nullptr, false);
  CheckRefused(rig, WithFreshDigest(Altered(state, kFormatOffset, 3)), abi::kStatusStateVersion);
  CheckRefused(rig, WithFreshDigest(Altered(state, kAbiOffset, 1)), abi::kStatusStateVersion);
  CheckRefused(rig, WithFreshDigest(Altered(state, kLayoutOffset)), abi::kStatusStateVersion);
  // What an older version wrote, from a file that stays as it is.
  const std::string path = WARD_SOURCE_DIR "/tests/unit/device/older_state.bin";
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  const Bytes older((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  REQUIRE(older.size() > kHeaderBytes);
  CheckRefused(rig, older, abi::kStatusStateVersion);
  CHECK(std::string(rig.gpu->LoadState(older, nullptr).fault().reason).find("version") !=
        std::string::npos);
  CheckWorks(rig);
}

using Scenario = std::function<uint32_t(StateRig&)>;

std::map<std::string, Scenario> Scenarios() {
  static FakeSeal seal;
  return {
      {"STATE_MALFORMED", [](StateRig& rig) { return rig.Load(Bytes(4096)); }},
      {"STATE_VERSION",
       [](StateRig& rig) {
         return rig.Load(WithFreshDigest(Altered(rig.Save(nullptr, false), kFormatOffset)));
       }},
      {"STATE_DAMAGED",
       [](StateRig& rig) { return rig.Load(Altered(rig.Save(nullptr, false), 500)); }},
      {"STATE_OTHER_DEVICE",
       [](StateRig& rig) { return rig.Load(StateRig(OtherIdentity()).Save(nullptr, false)); }},
      {"STATE_INVALID",
       [](StateRig& rig) {
         return rig.Load(WithFreshDigest(Altered(rig.Save(nullptr, false), kLengthOffset)));
       }},
      {"STATE_SEALED", [](StateRig& rig) { return rig.Load(rig.Save(&seal)); }},
      {"STATE_SEAL_WRONG",
       [](StateRig& rig) {
         FakeSeal other(0x17);
         return rig.Load(rig.Save(&other), &seal);
       }},
      {"STATE_ALTERED",
       [](StateRig& rig) {
         Bytes state = rig.Save(&seal, false);
         state[state.size() - device::kSha256Bytes - 1] ^= 1;
         return rig.Load(WithFreshDigest(state), &seal);
       }},
      {"STATE_SPENT",
       [](StateRig& rig) {
         const Bytes state = rig.Save(&seal);
         REQUIRE(rig.Load(state, &seal) == 0);
         return rig.Load(state, &seal);
       }},
      {"STATE_NOT_RECORDED",
       [](StateRig& rig) {
         const Bytes state = rig.Save(&seal);
         seal.records = false;
         const auto saved = rig.gpu->SaveState({&seal, false});
         REQUIRE_FALSE(saved.ok());
         CHECK(saved.fault().status == abi::kStatusStateNotRecorded);
         const uint32_t status = rig.Load(state, &seal);
         seal.records = true;
         return status;
       }},
      {"STATE_NO_ENTROPY",
       [](StateRig& rig) {
         rig.ports.entropy.available = false;
         const auto saved = rig.gpu->SaveState({&seal, false});
         rig.ports.entropy.available = true;
         return saved.ok() ? 0 : saved.fault().status;
       }},
  };
}

TEST_CASE("every status of a saved state is provoked") {
  const auto scenarios = Scenarios();
  for (const abi::StatusInfo& info : abi::kStatuses) {
    if (info.status_class != abi::StatusClass::kHost) continue;
    INFO(info.name);
    REQUIRE(scenarios.count(info.name) == 1);
    StateRig rig;
    rig.SetUp();
    CHECK(scenarios.at(info.name)(rig) == info.code);
    CHECK(rig.SessionState() == 1);
  }
}

}  // namespace
}  // namespace ward::fakes
