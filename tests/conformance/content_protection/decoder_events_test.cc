// DriverProtections: what the decoder's VOID functions leave behind when an argument is bad (R7).
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"
#include "tests/conformance/content_protection/event_stage.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

constexpr D3D11_1DDI_VIDEO_DECODER_DESC kDescription = {D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT,
                                                        64, 48, DXGI_FORMAT_NV12};
constexpr UINT kBeyond = 1000;

TEST_CASE("DriverProtections.EventDecoderProfileCount: nowhere to write it (R7)", "[negative]") {
  EventStage stage;
  stage.CheckEvent(false, "GetVideoDecoderProfileCount without room", [&] {
    stage.functions().pfnGetVideoDecoderProfileCount(stage.driver(), nullptr);
  });
}

TEST_CASE("DriverProtections.EventDecoderProfile: nowhere to write it, or there is none (R7)",
          "[negative]") {
  {
    EventStage stage;
    stage.CheckEvent(false, "GetVideoDecoderProfile without room", [&] {
      stage.functions().pfnGetVideoDecoderProfile(stage.driver(), 0, nullptr);
    });
  }
  EventStage stage;
  GUID profile = kDescription.Guid;
  stage.CheckEvent(false, "GetVideoDecoderProfile beyond the last", [&] {
    stage.functions().pfnGetVideoDecoderProfile(stage.driver(), kBeyond, &profile);
  });
  CHECK(profile == umd::kNullGuid);
}

TEST_CASE("DriverProtections.EventDecoderFormat: no profile, or nowhere to write (R7)",
          "[negative]") {
  constexpr char kReason[] = "CheckVideoDecoderFormat without a profile or room";
  for (const bool has_profile : {true, false}) {
    EventStage stage;
    BOOL supported = TRUE;
    stage.CheckEvent(false, kReason, [&] {
      stage.functions().pfnCheckVideoDecoderFormat(
          stage.driver(), has_profile ? &kDescription.Guid : nullptr, DXGI_FORMAT_NV12,
          has_profile ? nullptr : &supported);
    });
    CHECK(supported == (has_profile ? TRUE : FALSE));
  }
}

TEST_CASE("DriverProtections.EventDecoderConfigCount: no description, or nowhere to write (R7)",
          "[negative]") {
  for (const bool has_description : {true, false}) {
    EventStage stage;
    UINT count = 7;
    stage.CheckEvent(false, "GetVideoDecoderConfigCount without arguments", [&] {
      stage.functions().pfnGetVideoDecoderConfigCount(stage.driver(),
                                                      has_description ? &kDescription : nullptr,
                                                      has_description ? nullptr : &count);
    });
    CHECK(count == (has_description ? 7 : 0));
  }
}

TEST_CASE("DriverProtections.EventDecoderConfig: no description, or there is none (R7)",
          "[negative]") {
  for (const bool has_description : {true, false}) {
    EventStage stage;
    D3D11_1DDI_VIDEO_DECODER_CONFIG config = {};
    stage.CheckEvent(false,
                     has_description ? "GetVideoDecoderConfig beyond the last"
                                     : "GetVideoDecoderConfig without arguments",
                     [&] {
                       stage.functions().pfnGetVideoDecoderConfig(
                           stage.driver(), has_description ? &kDescription : nullptr, kBeyond,
                           &config);
                     });
  }
}

TEST_CASE("DriverProtections.EventDecoderBufferTypeCount: no description, or nowhere to write (R7)",
          "[negative]") {
  for (const bool has_description : {true, false}) {
    EventStage stage;
    UINT count = 7;
    stage.CheckEvent(false, "GetVideoDecoderBufferTypeCount without arguments", [&] {
      stage.functions().pfnGetVideoDecoderBufferTypeCount(stage.driver(),
                                                          has_description ? &kDescription : nullptr,
                                                          has_description ? nullptr : &count);
    });
    CHECK(count == (has_description ? 7 : 0));
  }
}

TEST_CASE("DriverProtections.EventDecoderBufferInfo: no description, or there is none (R7)",
          "[negative]") {
  for (const bool has_description : {true, false}) {
    EventStage stage;
    D3D11_1DDI_VIDEO_DECODER_BUFFER_INFO info = {};
    stage.CheckEvent(false,
                     has_description ? "GetVideoDecoderBufferInfo beyond the last"
                                     : "GetVideoDecoderBufferInfo without arguments",
                     [&] {
                       stage.functions().pfnGetVideoDecoderBufferInfo(
                           stage.driver(), has_description ? &kDescription : nullptr, kBeyond,
                           &info);
                     });
  }
}

// What is no decoder: nothing, and an object of another kind.
std::vector<void*> NoDecoders(const EventStage& stage) {
  return {nullptr, stage.handle.pDrvPrivate};
}

TEST_CASE("DriverProtections.EventEndFrameDecoder: no decoder, no frame ends (R7)", "[negative]") {
  for (const size_t at : {0u, 1u}) {
    EventStage stage;
    DecoderParty party(&stage.process);
    party.Open();
    REQUIRE(party.Begin() == S_OK);
    stage.CheckEvent(false, "not a decoder's handle", [&] {
      stage.functions().pfnVideoDecoderEndFrame(stage.driver(), {NoDecoders(stage)[at]});
    });
    CHECK(party.Submit(MakeText(64), nullptr) == S_OK);  // the frame goes on
  }
}

TEST_CASE("DriverProtections.EventEndFrameOutside: there is no frame to end (R7)", "[negative]") {
  EventStage stage;
  const DecoderPointer decoder = MakeDecoder(&stage.process);
  stage.CheckEvent(false, "VideoDecoderEndFrame without a frame", [&] {
    stage.functions().pfnVideoDecoderEndFrame(stage.driver(), decoder->driver_handle());
  });
}

TEST_CASE("DriverProtections.EventDestroyDecoder: what is no decoder is not destroyed (R7)",
          "[negative]") {
  for (const size_t at : {0u, 1u}) {
    EventStage stage;
    stage.CheckEvent(false, "not a decoder's handle", [&] {
      stage.functions().pfnDestroyVideoDecoder(stage.driver(), {NoDecoders(stage)[at]});
    });
    CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  }
}

TEST_CASE("DriverProtections.EventDestroyDecoderView: what is no view is not destroyed (R7)",
          "[negative]") {
  for (const size_t at : {0u, 1u}) {
    EventStage stage;
    stage.CheckEvent(false, "not an output view's handle", [&] {
      stage.functions().pfnDestroyVideoDecoderOutputView(stage.driver(), {NoDecoders(stage)[at]});
    });
    CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  }
}

TEST_CASE("DriverProtections.EventDecoderAsked: asking for what is not offered is no event (R7)") {
  EventStage stage;
  D3D11_1DDI_VIDEO_DECODER_DESC description = kDescription;
  description.Guid = umd::kNullGuid;
  UINT count = 7;
  BOOL supported = TRUE;
  stage.functions().pfnGetVideoDecoderConfigCount(stage.driver(), &description, &count);
  stage.functions().pfnCheckVideoDecoderFormat(stage.driver(), &description.Guid, DXGI_FORMAT_NV12,
                                               &supported);
  CHECK(count == 0);
  CHECK(supported == FALSE);
  CHECK(stage.kernel->EventReports().empty());
}

}  // namespace
}  // namespace ward::test
