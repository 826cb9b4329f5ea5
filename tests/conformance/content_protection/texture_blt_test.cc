// CryptoSession and DriverProtections: blts of textures, whose rows are padded (R11).
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/event_stage.h"

namespace ward::test {
namespace {

struct Shape {
  uint32_t width;
  uint32_t height;
  DXGI_FORMAT format;
};

ResourcePointer MakeTexture(Process* process, const Shape& shape, bool is_staging) {
  runtime::TextureDescription description = {shape.width, shape.height, shape.format};
  if (is_staging) {
    description.usage = runtime::Usage::kStaging;
    description.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
  } else {
    description.misc_flags = umd::kApiResourceMiscRestrictedContent;
  }
  ResourcePointer texture;
  REQUIRE(runtime::Resource::CreateTexture2D(&process->app.device(), description, &texture) ==
          S_OK);
  return texture;
}

// Every byte in Map order, padding too, through DecryptionBlt and EncryptionBlt.
void CheckRoundTrip(const Shape& shape) {
  Stage stage;
  Process* process = &stage.process;
  const SessionPointer session = process->MakeKeyedSession(kSessionKey);
  const ResourcePointer source = MakeTexture(process, shape, true);
  const ResourcePointer frame = MakeTexture(process, shape, false);
  const ResourcePointer result = MakeTexture(process, shape, true);
  const std::vector<uint8_t> text = MakeText(process->app.Download(source.get()).size());
  process->app.Upload(source.get(), RunCtr(kSessionKey, kIv, text));
  REQUIRE(process->app.video().DecryptionBlt(session.get(), source.get(), frame.get(), nullptr, {},
                                             kIv) == S_OK);
  Key wrapped{};
  Key iv{};
  REQUIRE(process->app.video().GetEncryptionBltKey(session.get(), wrapped) == S_OK);
  REQUIRE(process->app.video().EncryptionBlt(session.get(), frame.get(), result.get(), iv) == S_OK);
  CHECK(RunCtr(EcbDecrypt(kSessionKey, wrapped), iv, process->app.Download(result.get())) == text);
}

TEST_CASE("CryptoSession.TextureXrgb: pictures come back byte by byte, padding too (R11)") {
  for (const Shape& shape :
       {Shape{64, 48, DXGI_FORMAT_B8G8R8X8_UNORM}, Shape{33, 17, DXGI_FORMAT_B8G8R8X8_UNORM},
        Shape{1, 1, DXGI_FORMAT_B8G8R8X8_UNORM}}) {
    CheckRoundTrip(shape);
  }
}

TEST_CASE("CryptoSession.TextureNv12: both planes of a picture come back, padding too (R11)") {
  for (const Shape& shape : {Shape{64, 48, DXGI_FORMAT_NV12}, Shape{66, 50, DXGI_FORMAT_NV12},
                             Shape{2, 2, DXGI_FORMAT_NV12}}) {
    CheckRoundTrip(shape);
  }
}

TEST_CASE("DriverProtections.EventDecryptFormat: one size but another format is refused (R11)",
          "[negative]") {
  for (const DXGI_FORMAT format : {DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_FORMAT_R8G8B8A8_UNORM}) {
    EventStage stage;
    const ResourcePointer source =
        MakeTexture(&stage.process, {16, 16, DXGI_FORMAT_B8G8R8X8_UNORM}, true);
    const ResourcePointer frame = MakeTexture(&stage.process, {16, 16, format}, false);
    stage.source = source->driver_handle();
    stage.destination = frame->driver_handle();
    stage.CheckEvent(true, "encrypted copy between resources of different sizes",
                     [&] { stage.Decrypt(); });
  }
}

TEST_CASE("DriverProtections.EventDecryptBuffer: a buffer is no texture of its size (R11)",
          "[negative]") {
  EventStage stage;
  const ResourcePointer frame =
      MakeTexture(&stage.process, {kEventBytes / 4, 1, DXGI_FORMAT_B8G8R8X8_UNORM}, false);
  stage.destination = frame->driver_handle();
  stage.CheckEvent(true, "encrypted copy between resources of different sizes",
                   [&] { stage.Decrypt(); });
}

}  // namespace
}  // namespace ward::test
