// Gpu::TearDown among the rest of the chip: what is lost, and what goes on.
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/crypto/rsa_private_key.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/unit/crypto/hex.h"

namespace ward::fakes {
namespace {

constexpr uint64_t kResponse = GpuRig::kData;
constexpr uint64_t kCiphertext = GpuRig::kData + 0x10000;
constexpr uint64_t kProtected = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
constexpr uint32_t kFrameBytes = 256 << 10;

// A chip whose kernel's queue has a keyed session.
struct KeyedRig : GpuRig {
  KeyedRig() {
    StartQueue(0);
    session = Send(abi::kMessageCreateSession, test::FromHex("11d76b9b744fc9419e7b0be2d7d93b4f"
                                                             "00000000000000000000000000000000"
                                                             "959894c12ad71d4a8e5ded857d171520"))
                  .at(4);
    CHECK(Negotiate() == abi::kStatusOk);
  }

  // Words of the response.
  std::vector<uint32_t> Send(uint32_t message, ConstByteSpan payload) {
    PushMessage(0, message, payload, kResponse, 64);
    RingAndRun(0);
    std::vector<uint32_t> words(16);
    for (uint32_t i = 0; i < 16; ++i) words[i] = ports.bus.Load<uint32_t>(kResponse + 4 * i);
    return words;
  }
  std::vector<uint8_t> NegotiatePayload() const {
    const auto& key = LoadTestIdentity(WARD_SOURCE_DIR).key;
    device::AesKey session_key;
    session_key.Expose()[0] = 0x5c;
    std::vector<uint8_t> payload(8 + 256);
    StoreLe(payload.data(), session);
    StoreLe<uint32_t>(payload.data() + 4, 256);
    REQUIRE(key->WrapKey(session_key, ByteSpan(payload).subspan(8)));
    return payload;
  }
  uint32_t Negotiate() { return Send(abi::kMessageNegotiateSessionKey, NegotiatePayload()).at(0); }
  uint32_t QueryState() {
    std::vector<uint8_t> payload(8);
    StoreLe(payload.data(), session);
    return Send(abi::kMessageQuerySession, payload).at(4);
  }
  void PushDecrypt() {
    auto command = MakeCommand<abi::DecryptBltCommand>();
    command.session = session;
    command.source = kCiphertext;
    command.destination = kProtected;
    command.length_bytes = kFrameBytes;
    Push(0, command);
  }
  // The protected memory that PushDecrypt writes to, as the screen shows it: B, G and R.
  std::vector<uint8_t> ReadScreen() {
    Write(abi::kRegOutputControl, 1);
    auto flip = MakeCommand<abi::FlipCommand>();
    flip.address = kProtected;
    flip.width = 640;
    flip.height = 360;
    flip.pitch = 4 * 640;
    Push(0, flip);
    RingAndRun(0);
    std::vector<uint8_t> pixels(4 * 640 * 360);
    REQUIRE(gpu->ReadScanout(0, device::ScanoutView::kOperator, pixels, 4 * 640));
    for (size_t i = 3; i < pixels.size(); i += 4) pixels[i] = 0;
    return pixels;
  }
  uint32_t RefusalStatus() { return ReadQueue(0, abi::kRegRefusalStatus); }

  uint32_t session = 0;
};

TEST_CASE("tear-down loses keys and content, and tells; queues, contexts and memory go on") {
  KeyedRig rig;
  rig.CreateContext(1);
  rig.ports.vram.Store<uint64_t>(0x3000, 0x1122334455667788);
  rig.Write(abi::kRegInterruptCause, ~0u);
  rig.PushDecrypt();
  rig.PushFence(0, 10);
  rig.RingAndRun(0);
  REQUIRE(rig.Fence(0) == 10);
  const std::vector<uint8_t> shown = rig.ReadScreen();
  REQUIRE(shown != std::vector<uint8_t>(shown.size()));
  rig.Write(abi::kRegInterruptCause, ~0u);
  const uint32_t epoch = rig.Read(abi::kRegKeyEpoch);
  rig.gpu->TearDown();
  CHECK(rig.Read(abi::kRegKeyEpoch) == epoch + 1);
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseKeysLostMask);
  CHECK(rig.ReadScreen() == std::vector<uint8_t>(shown.size()));
  CHECK(rig.QueryState() == 3);
  CHECK(rig.Negotiate() == abi::kStatusSessionLost);
  rig.PushDecrypt();
  rig.PushFence(0, 11);
  rig.RingAndRun(0);
  CHECK(rig.RefusalStatus() == abi::kStatusSessionLost);
  CHECK(rig.Fence(0) == 11);
  CHECK(rig.ports.vram.Load<uint64_t>(0x3000) == 0x1122334455667788);
  rig.MapSystem(1, 0x4000, kResponse);
  rig.StartQueue(1, 1);
  rig.PushMessage(1, abi::kMessageRunSelfTest, std::vector<uint8_t>(8), 0x4000, 64);
  rig.PushFence(1, 5);
  rig.RingAndRun(1);
  CHECK(rig.Fence(1) == 5);
  CHECK(rig.FaultStatus(1) == 0);
}

TEST_CASE("KEYS_LOST interrupts when it is enabled") {
  KeyedRig rig;
  rig.gpu->WriteConfig(4, 2, 6);
  rig.Write(abi::kRegInterruptEnable, abi::kInterruptCauseKeysLostMask);
  rig.ports.interrupts.vectors.clear();
  rig.gpu->TearDown();
  CHECK((rig.Read(abi::kRegInterruptCause) & abi::kInterruptCauseKeysLostMask) != 0);
}

TEST_CASE("a decryption in flight ends with SESSION_LOST and leaves nothing behind") {
  KeyedRig rig;
  rig.PushDecrypt();
  rig.PushFence(0, 10);
  rig.Doorbell(0);
  rig.gpu->Process(4096);
  REQUIRE(rig.State(0) == 2);
  rig.gpu->TearDown();
  rig.Run();
  CHECK(rig.Fence(0) == 10);
  CHECK(rig.RefusalStatus() == abi::kStatusSessionLost);
  const std::vector<uint8_t> before = rig.ReadScreen();
  CHECK(before == std::vector<uint8_t>(before.size()));
}

TEST_CASE("a message in flight is answered after a tear-down, and its queue goes on") {
  KeyedRig rig;
  rig.PushMessage(0, abi::kMessageNegotiateSessionKey, rig.NegotiatePayload(), kResponse, 64);
  rig.PushFence(0, 10);
  rig.Doorbell(0);
  rig.gpu->Process(1 << 20);
  rig.gpu->TearDown();
  rig.Run();
  CHECK(rig.ports.bus.Load<uint32_t>(kResponse) == abi::kStatusSessionLost);
  CHECK(rig.Fence(0) == 10);
}

TEST_CASE("a snapshot that is restored and torn down has lost its keys and content") {
  KeyedRig rig;
  rig.PushDecrypt();
  rig.RingAndRun(0);
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot();
  rig.gpu->Reset(device::ResetKind::kPowerOn);
  rig.gpu->Restore(snapshot);
  rig.Write(abi::kRegInterruptCause, ~0u);
  const uint32_t epoch = rig.Read(abi::kRegKeyEpoch);
  rig.gpu->TearDown();
  CHECK(rig.QueryState() == 3);
  CHECK(rig.Read(abi::kRegKeyEpoch) == epoch + 1);
  CHECK(rig.Read(abi::kRegInterruptCause) == abi::kInterruptCauseKeysLostMask);
}

TEST_CASE("the same tear-down gives the same state") {
  KeyedRig first;
  KeyedRig second;
  first.gpu->TearDown();
  CHECK(first.gpu->StateHash() != second.gpu->StateHash());
  second.gpu->TearDown();
  CHECK(first.gpu->StateHash() == second.gpu->StateHash());
}

}  // namespace
}  // namespace ward::fakes
