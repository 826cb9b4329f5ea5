// DriverProtections: R7, the blts. A VOID function that is given something bad leaves its
// destination as it was, zeroes its outputs and counts an event, for the session that it named; the
// device lives on.
#include <memory>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "runtime/swap_chain.h"
#include "tests/conformance/content_protection/event_stage.h"

namespace ward::test {
namespace {

TEST_CASE("DriverProtections.EventEncryptSession: no session, IV zero, destination stays (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    ReadbackStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckRefused(false, kNoSession);
  }
}

TEST_CASE("DriverProtections.EventEncryptSource: no resource, IV zero, destination stays",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    ReadbackStage stage;
    stage.source.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckRefused(true, kNoResource);
  }
}

TEST_CASE("DriverProtections.EventEncryptDestination: no resource, IV zero", "[negative]") {
  for (const bool is_null : {true, false}) {
    ReadbackStage stage;
    stage.destination.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckRefused(true, kNoResource);
  }
}

TEST_CASE("DriverProtections.EventEncryptNoIv: nowhere to write the IV, destination stays (R19)",
          "[negative]") {
  ReadbackStage stage;
  stage.iv_out = nullptr;
  stage.iv = {};
  stage.CheckRefused(true, "EncryptionBlt without room for the IV");
}

TEST_CASE("DriverProtections.EventEncryptIvSize: below 16 bytes they are zeroed (R19)",
          "[negative]") {
  for (const UINT size : {0u, 1u, 8u, 15u}) {
    ReadbackStage stage;
    stage.iv_size = size;
    stage.CheckEvent(true, "EncryptionBlt without room for the IV", [&] { stage.Encrypt(); });
    Key expected = kIv;
    std::fill_n(expected.begin(), size, uint8_t{0});
    CHECK(stage.iv == expected);
    stage.CheckStagingUntouched(stage.staging.get());
  }
}

TEST_CASE("DriverProtections.EventEncryptSame: a resource onto itself", "[negative]") {
  ReadbackStage stage;
  stage.source = stage.destination;
  stage.CheckRefused(true, "encrypted copy of a resource onto itself");
}

TEST_CASE("DriverProtections.EventEncryptLayout: another size stays as it was (R11)",
          "[negative]") {
  ReadbackStage stage;
  const ResourcePointer larger = stage.process.MakeDefault(kEventBytes + 16, true);
  stage.source = larger->driver_handle();
  stage.CheckRefused(true, "encrypted copy between resources of different sizes");
}

TEST_CASE("DriverProtections.EventEncryptOpen: a destination that is not for staging (R28)",
          "[negative]") {
  ReadbackStage stage;
  const ResourcePointer open = stage.process.MakeDefault(kEventBytes, false);
  stage.destination = open->driver_handle();
  stage.CheckRefused(true, "EncryptionBlt to a resource not for staging");
}

TEST_CASE("DriverProtections.EventEncryptNoReadbackKey: the device's refusal is told, IV zero",
          "[negative]") {
  EventStage stage;
  stage.Decrypt();
  stage.source = stage.frame->driver_handle();
  stage.destination = stage.staging->driver_handle();
  stage.Encrypt();
  CHECK(stage.iv == Key{});
  stage.CheckStagingUntouched(stage.staging.get());
  const EventReport report = stage.Report(true);
  CHECK(report.driver_events == 1);
  CHECK(report.last_reason == "the device refused the EncryptionBlt");
  CHECK(report.refusal_count == 1);
  CHECK(report.last_refusal == abi::kStatusSessionNoReadbackKey);
}

TEST_CASE("DriverProtections.EventDecryptSession: no session, destination stays (R7)",
          "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.handle.pDrvPrivate = is_null ? nullptr : stage.frame->driver_handle().pDrvPrivate;
    stage.CheckEvent(false, kNoSession, [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptSource: no resource, destination stays", "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.source.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckEvent(true, kNoResource, [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptDestination: no resource", "[negative]") {
  for (const bool is_null : {true, false}) {
    EventStage stage;
    stage.destination.pDrvPrivate = is_null ? nullptr : stage.handle.pDrvPrivate;
    stage.CheckEvent(true, kNoResource, [&] { stage.Decrypt(); });
  }
}

TEST_CASE("DriverProtections.EventDecryptIv: no IV of 16 bytes, destination stays (R20)",
          "[negative]") {
  const std::vector<uint8_t> long_iv(32, 1);
  for (const UINT size : {0u, 8u, 15u, 17u, 32u}) {
    EventStage stage;
    stage.iv_in = size == 0 ? nullptr : long_iv.data();
    stage.iv_size = size == 0 ? 16 : size;
    stage.CheckEvent(true, "DecryptionBlt without an IV of 16 bytes", [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptContentKey: a content key that is not 16 bytes",
          "[negative]") {
  for (const UINT size : {0u, 15u, 17u}) {
    EventStage stage;
    const std::vector<uint8_t> key(32, 1);
    stage.content_key = key.data();
    stage.content_key_size = size;
    stage.CheckEvent(true, "DecryptionBlt with a content key that is not 16 bytes",
                     [&] { stage.Decrypt(); });
    stage.CheckFrameUntouched();
  }
}

TEST_CASE("DriverProtections.EventDecryptOpen: a destination that is not restricted (R27)",
          "[negative]") {
  EventStage stage;
  const ResourcePointer open = stage.process.MakeDefault(kEventBytes, false);
  stage.destination = open->driver_handle();
  stage.CheckEvent(true, "DecryptionBlt to a resource without RESTRICTED_CONTENT",
                   [&] { stage.Decrypt(); });
  const ResourcePointer copy = stage.process.MakeStaging(kEventBytes);
  REQUIRE(stage.process.app.context().CopyResource(copy.get(), open.get()) == S_OK);
  CHECK(IsZero(stage.process.app.Download(copy.get())));
}

TEST_CASE("DriverProtections.EventDecryptSame: a resource onto itself stays", "[negative]") {
  EventStage stage;
  stage.source = stage.destination;
  stage.CheckEvent(true, "encrypted copy of a resource onto itself", [&] { stage.Decrypt(); });
  stage.CheckFrameUntouched();
}

TEST_CASE("DriverProtections.EventDecryptLayout: another size stays as it was (R11)",
          "[negative]") {
  EventStage stage;
  const ResourcePointer larger = stage.process.MakeStaging(kEventBytes + 16);
  stage.source = larger->driver_handle();
  stage.CheckEvent(true, "encrypted copy between resources of different sizes",
                   [&] { stage.Decrypt(); });
  stage.CheckFrameUntouched();
}

TEST_CASE("DriverProtections.EventDecryptPattern: the device's reason for a bad pattern is told",
          "[negative]") {
  EventStage stage;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO unaligned = {16, 20, 16};
  stage.pattern = &unaligned;
  stage.Decrypt();
  stage.CheckRefusal(abi::kStatusPatternMisaligned);
  stage.CheckFrameUntouched();
}

TEST_CASE("DriverProtections.EventDecryptBeforeKey: the device's reason is told (R26)",
          "[negative]") {
  EventStage stage;
  stage.session = stage.process.MakeSession();
  stage.handle = stage.session->driver_handle();
  stage.Decrypt();
  stage.CheckRefusal(abi::kStatusSessionNoKey);
}

TEST_CASE("DriverProtections.EventDecryptContentKeyBeforeKey: the message's refusal is an event",
          "[negative]") {
  EventStage stage;
  stage.session = stage.process.MakeSession();
  stage.handle = stage.session->driver_handle();
  stage.content_key = kContentKey.data();
  stage.content_key_size = 16;
  stage.CheckEvent(true, "SESSION_NO_KEY", [&] { stage.Decrypt(); });
}

TEST_CASE("DriverProtections.EventDestroyTells: what was refused last is told when a session ends",
          "[negative]") {
  EventStage stage;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO unaligned = {16, 16, 2};
  stage.pattern = &unaligned;
  stage.Decrypt();
  stage.Decrypt();
  CHECK(stage.kernel->EventReports().empty());  // the device has not been asked
  stage.session.reset();
  const EventReport report = stage.Report(true);
  CHECK(report.refusal_count == 2);
  CHECK(report.last_refusal == abi::kStatusPatternMisaligned);
}

TEST_CASE("DriverProtections.EventFlushTells: what was refused is told at a Flush (R7)",
          "[negative]") {
  EventStage stage;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO unaligned = {16, 16, 2};
  stage.pattern = &unaligned;
  stage.Decrypt();
  REQUIRE(stage.process.app.context().Flush() == S_OK);
  const EventReport report = stage.Report(true);
  CHECK(report.refusal_count == 1);
  CHECK(report.last_refusal == abi::kStatusPatternMisaligned);
}

TEST_CASE("DriverProtections.EventPresentTells: what was refused is told at a Present (R7)",
          "[negative]") {
  EventStage stage;
  std::unique_ptr<runtime::SwapChain> chain;
  REQUIRE(runtime::SwapChain::Create(&stage.device(), 640, 360, 1, 0, &chain) == S_OK);
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO unaligned = {16, 16, 2};
  stage.pattern = &unaligned;
  stage.Decrypt();
  REQUIRE(chain->Present() == S_OK);
  const EventReport report = stage.Report(true);
  CHECK(report.refusal_count == 1);
  CHECK(report.last_refusal == abi::kStatusPatternMisaligned);
}

TEST_CASE("DriverProtections.EventCountersRepeat: used counters are accepted and counted (R21)") {
  EventStage stage;
  const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, MakeText(kEventBytes));
  stage.process.app.Upload(stage.staging.get(), ciphertext);
  stage.Decrypt();
  HANDLE opaque = nullptr;
  REQUIRE(stage.session->GetCryptoSessionHandle(&opaque) == S_OK);
  CHECK(stage.kernel->EventReports().empty());
  stage.Decrypt();
  REQUIRE(stage.session->GetCryptoSessionHandle(&opaque) == S_OK);
  const EventReport report = stage.Report(true);
  CHECK(report.iv_repeats == 1);
  CHECK(report.refusal_count == 0);
  CHECK(report.driver_events == 0);
  CHECK(stage.process.ReadProtected(stage.session.get(), kSessionKey, stage.frame.get()) ==
        MakeText(kEventBytes));
}

}  // namespace
}  // namespace ward::test
