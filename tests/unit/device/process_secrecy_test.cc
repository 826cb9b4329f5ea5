// P4 and P5 of docs/security-model.md: what of a key is in the process of a whole chip, and in its
// core dump. The keys are made in a child, so that every copy that is found is the chip's.
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/unit/crypto/workspace.h"
#include "tests/unit/device/fault_rig.h"
#include "tests/unit/device/key_copies.h"

namespace ward::fakes {
namespace {

using test::CountKeyCopies;
using test::KeyOfChild;
using test::KeySearch;

constexpr uint32_t kVictim = 1;

KeyOfChild MakeKey() {
  static const device::PublishedIdentity identity;
  return KeyOfChild([](const device::Block& key) { return identity.Wrap(key); });
}

// Decrypts, encrypts and unwraps with it: whatever makes copies.
void Use(FaultRig* rig, uint32_t session) {
  using device::SecurityBench;
  const test::Bytes wrapped =
      SecurityBench::Joined(SecurityBench::Words({session, 16}), device::kWrappedContentKey);
  REQUIRE(rig->Send(kVictim, abi::kMessageSetContentKey, wrapped).status == abi::kStatusOk);
  REQUIRE(
      rig->Send(kVictim, abi::kMessageGetReadbackKey, SecurityBench::Words({session, 0})).status ==
      abi::kStatusOk);
  auto encrypt = MakeCommand<abi::EncryptBltCommand>();
  encrypt.session = session;
  encrypt.length_bytes = 256;
  encrypt.destination = FaultRig::kOutput;
  encrypt.source = FaultRig::kProtected;
  encrypt.iv_address = FaultRig::kOutput + 512;
  rig->Push(kVictim, FaultRig::Decrypt(session));
  rig->Push(kVictim, encrypt);
  rig->RingAndRun(kVictim);
  REQUIRE(rig->FaultStatus(kVictim) == 0);
  REQUIRE(rig->ReadQueue(kVictim, abi::kRegRefusalCount) == 0);
}

enum class End {
  kDestroy,
  kContext,
  kFunction,
  kPowerOn,
  kTearDown,
  kErrorState,
  kChip,
  kLast = kChip
};

void EndKeys(End end, uint32_t session, std::unique_ptr<FaultRig>* rig) {
  FaultRig& chip = **rig;
  switch (end) {
    case End::kDestroy:
      REQUIRE(chip.Send(kVictim, abi::kMessageDestroySession,
                        device::SecurityBench::Words({session, 0}))
                  .status == abi::kStatusOk);
      break;
    case End::kContext:
      chip.Close(kVictim);
      break;
    case End::kFunction:
      chip.gpu->Reset(device::ResetKind::kFunction);
      break;
    case End::kPowerOn:
      chip.gpu->Reset(device::ResetKind::kPowerOn);
      break;
    case End::kTearDown:
      chip.gpu->TearDown();
      break;
    case End::kErrorState:
      chip.ports.entropy.available = false;
      REQUIRE(chip.Send(kVictim, abi::kMessageRunSelfTest, test::Bytes(8)).status ==
              abi::kStatusSelfTestFailed);
      break;
    case End::kChip:
      rig->reset();
      break;
  }
}

TEST_CASE("P5_ however its session ends, no copy of a used key is left in the process") {
  for (int i = 0; i <= static_cast<int>(End::kLast); ++i) {
    INFO("end " << i);
    const KeyOfChild key = MakeKey();
    auto rig = std::make_unique<FaultRig>();
    rig->Open(kVictim);
    const uint32_t session = rig->OpenSession(kVictim, key.blob);
    Use(rig.get(), session);
    CHECK(CountKeyCopies(key.disguised) >= 1);  // the search can find it
    EndKeys(static_cast<End>(i), session, &rig);
    CHECK(CountKeyCopies(key.disguised) == 0);
  }
}

TEST_CASE("P4_ memory that a core dump takes holds no key, while it is used and afterwards") {
  const KeyOfChild key = MakeKey();
  FaultRig rig;
  rig.Open(kVictim);
  const uint32_t session = rig.OpenSession(kVictim, key.blob);
  Use(&rig, session);
  CHECK(CountKeyCopies(key.disguised) >= 1);
  CHECK(CountKeyCopies(key.disguised, KeySearch::kCoreDump) == 0);
  rig.gpu->Reset(device::ResetKind::kFunction);
  CHECK(CountKeyCopies(key.disguised, KeySearch::kCoreDump) == 0);
}

TEST_CASE("P4_ the core dump of a process that dies with keys in its vault has none of them") {
  const KeyOfChild key = MakeKey();
  // One that the child has in memory like any other: the search can find what a core dump has.
  const KeyOfChild marker = MakeKey();
  const test::Workspace folder;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    std::vector<uint8_t> plain(marker.disguised.begin(), marker.disguised.end());
    for (uint8_t& byte : plain) byte ^= test::kKeyDisguise;
    if (chdir((folder / "").c_str()) != 0 || setrlimit(RLIMIT_CORE, &all) != 0) _exit(1);
    FaultRig rig;
    rig.Open(kVictim);
    Use(&rig, rig.OpenSession(kVictim, key.blob));
    __asm__ __volatile__("" : : "r"(plain.data()) : "memory");
    signal(SIGABRT, SIG_DFL);
    abort();
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (!WIFSIGNALED(status) || !WCOREDUMP(status)) SKIP("this machine writes no core dumps");
  size_t keys = 0, markers = 0, files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> core((std::istreambuf_iterator<char>(file)),
                                 std::istreambuf_iterator<char>());
    const auto* bytes = reinterpret_cast<const uint8_t*>(core.data());
    keys += test::CountKeyCopiesIn(bytes, core.size(), key.disguised);
    markers += test::CountKeyCopiesIn(bytes, core.size(), marker.disguised);
    ++files;
  }
  if (files == 0) SKIP("this machine writes core dumps elsewhere");
  CHECK(markers >= 1);
  CHECK(keys == 0);
}

}  // namespace
}  // namespace ward::fakes
