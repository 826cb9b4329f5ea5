// The video processor through the driver's real table, on the chip: formats, ranges, rectangles,
// several streams, protected pictures. What should come out is computed in floating point.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "examples/protected_player/session_key.h"
#include "runtime/video_processor_view.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"
#include "tests/unit/device/video_reference.h"
#include "umd/video_processor_extension.h"

namespace ward::test {
namespace {

using device::Reference;
using device::Rgb;
using device::Shape;

constexpr uint32_t kWidth = 128;
constexpr uint32_t kHeight = 96;
constexpr uint32_t kOutputWidth = 160;
constexpr uint32_t kOutputHeight = 100;
constexpr RECT kWhole = {0, 0, kWidth, kHeight};

uint32_t BytesOf(DXGI_FORMAT format) {
  return format == DXGI_FORMAT_NV12 ? 1 : format == DXGI_FORMAT_P010 ? 2 : 4;
}

// An application with a video processor of one output.
class Stage {
 public:
  explicit Stage(bool is_restricted = false)
      : kernel_(OpenKernel(machine_.get())), application(kernel_.get()) {
    D3D11_1DDI_VIDEO_PROCESSOR_CONTENT_DESC content{};
    content.InputWidth = kWidth;
    content.InputHeight = kHeight;
    content.OutputWidth = kOutputWidth;
    content.OutputHeight = kOutputHeight;
    REQUIRE(runtime::VideoProcessorEnumerator::Create(&application.device(), content,
                                                      &enumerator) == S_OK);
    REQUIRE(runtime::VideoProcessor::Create(enumerator.get(), 0, &processor) == S_OK);
    output = Create(kOutputWidth, kOutputHeight, DXGI_FORMAT_B8G8R8X8_UNORM, is_restricted);
    REQUIRE(runtime::VideoProcessorOutputView::Create(output.get(), enumerator.get(),
                                                      &output_view) == S_OK);
  }

  std::unique_ptr<runtime::Resource> Create(uint32_t width, uint32_t height, DXGI_FORMAT format,
                                            bool is_restricted = false) {
    runtime::TextureDescription description = {width, height, format};
    if (is_restricted) description.misc_flags = umd::kApiResourceMiscRestrictedContent;
    std::unique_ptr<runtime::Resource> texture;
    REQUIRE(runtime::Resource::CreateTexture2D(&application.device(), description, &texture) ==
            S_OK);
    return texture;
  }
  std::unique_ptr<runtime::Resource> CreateStaging(uint32_t width, uint32_t height,
                                                   DXGI_FORMAT format) {
    runtime::TextureDescription description = {width, height, format, runtime::Usage::kStaging};
    description.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
    std::unique_ptr<runtime::Resource> texture;
    REQUIRE(runtime::Resource::CreateTexture2D(&application.device(), description, &texture) ==
            S_OK);
    return texture;
  }
  std::unique_ptr<runtime::VideoProcessorInputView> View(runtime::Resource* resource) {
    std::unique_ptr<runtime::VideoProcessorInputView> view;
    REQUIRE(runtime::VideoProcessorInputView::Create(resource, enumerator.get(), &view) == S_OK);
    return view;
  }
  void SetColorSpace(uint32_t stream, uint32_t color_space, bool is_rgb) {
    D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE value{};
    value.YCbCr_Matrix = color_space & 1;
    value.Nominal_Range = color_space >= 2 ? 2 : 1;
    value.RGB_Range = is_rgb && color_space < 2 ? 1 : 0;
    REQUIRE(application.video().VideoProcessorSetStreamColorSpace(processor.get(), stream, value) ==
            S_OK);
  }
  void SetFilter(uint32_t stream, uint32_t filter) {
    uint8_t data[4];
    StoreLe<uint32_t>(data, filter);
    REQUIRE(application.video().VideoProcessorSetStreamExtension(
                processor.get(), stream, umd::kScalingFilterExtension, data) == S_OK);
  }
  HRESULT Blt(std::vector<runtime::VideoProcessorInputView*> views) {
    return application.video().VideoProcessorBlt(processor.get(), output_view.get(), 0, views);
  }
  // What is in the output; rows of kOutputWidth pixels.
  std::vector<uint8_t> ReadOutput() {
    const auto staging = CreateStaging(kOutputWidth, kOutputHeight, DXGI_FORMAT_B8G8R8X8_UNORM);
    REQUIRE(application.context().CopyResource(staging.get(), output.get()) == S_OK);
    return application.Download(staging.get());
  }
  void FillOutput(uint8_t value) {
    const std::vector<uint8_t> bytes(size_t{kOutputWidth} * kOutputHeight * 4, value);
    REQUIRE(application.context().UpdateSubresource(output.get(), nullptr, bytes.data(),
                                                    kOutputWidth * 4) == S_OK);
  }

 private:
  const FunctionUnderTest machine_;
  std::unique_ptr<runtime::Kernel> kernel_;

 public:
  Application application;
  std::unique_ptr<runtime::VideoProcessorEnumerator> enumerator;
  std::unique_ptr<runtime::VideoProcessor> processor;
  std::unique_ptr<runtime::Resource> output;
  std::unique_ptr<runtime::VideoProcessorOutputView> output_view;
};

// Planes with rows of kWidth samples: a gradient with texture.
struct Planes {
  std::vector<uint8_t> luma, chroma;

  explicit Planes(DXGI_FORMAT format) {
    const uint32_t pitch = kWidth * BytesOf(format);
    luma.resize(size_t{pitch} * kHeight);
    if (BytesOf(format) < 4) chroma.resize(luma.size() / 2);
    uint32_t state = 12345;
    for (auto* plane : {&luma, &chroma}) {
      for (size_t i = 0; i < plane->size(); ++i) {
        state = state * 1664525u + 1013904223u;
        (*plane)[i] = static_cast<uint8_t>(i % pitch / 2 + i / pitch + (state >> 28));
      }
    }
  }
  std::vector<uint8_t> All() const {
    std::vector<uint8_t> all = luma;
    all.insert(all.end(), chroma.begin(), chroma.end());
    return all;
  }
};

Shape ShapeOf(DXGI_FORMAT format, const RECT& source, const RECT& destination, uint32_t color_space,
              uint32_t filter) {
  Shape shape = {static_cast<uint32_t>(source.right - source.left),
                 static_cast<uint32_t>(source.bottom - source.top),
                 kWidth * BytesOf(format),
                 static_cast<uint32_t>(destination.right - destination.left),
                 static_cast<uint32_t>(destination.bottom - destination.top),
                 kOutputWidth * 4};
  shape.format = BytesOf(format) == 4 ? device::kXrgb : BytesOf(format) - 1;
  shape.color_space = color_space;
  shape.filter = filter;
  shape.left = static_cast<uint32_t>(source.left);
  shape.top = static_cast<uint32_t>(source.top);
  return shape;
}

// The largest difference where `destination` lies inside of the output and of `clip`.
double LargestError(const Shape& shape, const Planes& planes, const RECT& destination,
                    const RECT& clip, const std::vector<uint8_t>& pixels) {
  const Reference reference{shape, planes.luma, planes.chroma};
  double error = 0;
  for (LONG y = std::max(destination.top, clip.top); y < std::min(destination.bottom, clip.bottom);
       ++y) {
    for (LONG x = std::max(destination.left, clip.left);
         x < std::min(destination.right, clip.right); ++x) {
      const Rgb expected = reference.At(static_cast<uint32_t>(x - destination.left),
                                        static_cast<uint32_t>(y - destination.top));
      const uint8_t* pixel = &pixels[(static_cast<size_t>(y) * kOutputWidth + x) * 4];
      error = std::max({error, std::abs(pixel[0] - expected.blue),
                        std::abs(pixel[1] - expected.green), std::abs(pixel[2] - expected.red)});
    }
  }
  return error;
}

bool IsInside(LONG x, LONG y, const RECT& rect) {
  return x >= rect.left && x < rect.right && y >= rect.top && y < rect.bottom;
}

// Every pixel that `is_meant` holds for has this value, bytes B, G, R, X.
template <typename Predicate>
bool AllAre(const std::vector<uint8_t>& pixels, uint32_t value, const Predicate& is_meant) {
  for (LONG y = 0; y < static_cast<LONG>(kOutputHeight); ++y) {
    for (LONG x = 0; x < static_cast<LONG>(kOutputWidth); ++x) {
      const uint8_t* pixel = &pixels[(static_cast<size_t>(y) * kOutputWidth + x) * 4];
      if (is_meant(x, y) && LoadLe<uint32_t>(pixel) != value) return false;
    }
  }
  return true;
}

constexpr DXGI_FORMAT kFormats[] = {DXGI_FORMAT_NV12, DXGI_FORMAT_P010, DXGI_FORMAT_B8G8R8X8_UNORM,
                                    DXGI_FORMAT_B8G8R8A8_UNORM};

TEST_CASE(
    "Every input format, color space, range and filter is within the bound of its definition") {
  Stage stage;
  constexpr RECT kSource = {3, 5, 100, 80};
  constexpr RECT kDestination = {10, 7, 81, 61};
  for (const DXGI_FORMAT format : kFormats) {
    const Planes planes(format);
    const auto texture = stage.Create(kWidth, kHeight, format);
    REQUIRE(stage.application.context().UpdateSubresource(
                texture.get(), nullptr, planes.All().data(), kWidth * BytesOf(format)) == S_OK);
    const auto view = stage.View(texture.get());
    auto& video = stage.application.video();
    REQUIRE(video.VideoProcessorSetStreamSourceRect(stage.processor.get(), 0, &kSource) == S_OK);
    REQUIRE(video.VideoProcessorSetStreamDestRect(stage.processor.get(), 0, &kDestination) == S_OK);
    for (uint32_t kind = 0; kind < 8; ++kind) {
      for (const uint32_t filter : {0u, 1u, 2u}) {
        D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE output{};
        output.RGB_Range = kind >= 4 ? 1 : 0;
        REQUIRE(video.VideoProcessorSetOutputColorSpace(stage.processor.get(), output) == S_OK);
        stage.SetColorSpace(0, kind % 4, BytesOf(format) == 4);
        stage.SetFilter(0, filter);
        REQUIRE(stage.Blt({view.get()}) == S_OK);
        const auto pixels = stage.ReadOutput();
        Shape shape = ShapeOf(format, kSource, kDestination, kind % 4, filter);
        shape.is_limited = kind >= 4;
        const double error =
            LargestError(shape, planes, kDestination, {0, 0, kOutputWidth, kOutputHeight}, pixels);
        INFO("format " << format << ", kind " << kind << ", filter " << filter << ", error "
                       << error);
        CHECK(error <= shape.Bound());
        CHECK(AllAre(pixels, kind >= 4 ? 0xFF101010u : 0xFF000000u,
                     [&](LONG x, LONG y) { return !IsInside(x, y, kDestination); }));
      }
    }
  }
}

TEST_CASE(
    "Streams lie one over the other in a target rectangle, and nothing outside of it changes") {
  Stage stage;
  const Planes video_planes(DXGI_FORMAT_NV12);
  const Planes logo_planes(DXGI_FORMAT_B8G8R8A8_UNORM);
  const auto frame = stage.Create(kWidth, kHeight, DXGI_FORMAT_NV12);
  const auto logo = stage.Create(kWidth, kHeight, DXGI_FORMAT_B8G8R8A8_UNORM);
  auto& context = stage.application.context();
  REQUIRE(context.UpdateSubresource(frame.get(), nullptr, video_planes.All().data(), kWidth) ==
          S_OK);
  REQUIRE(context.UpdateSubresource(logo.get(), nullptr, logo_planes.luma.data(), kWidth * 4) ==
          S_OK);
  const auto frame_view = stage.View(frame.get());
  const auto logo_view = stage.View(logo.get());
  constexpr RECT kTarget = {8, 4, 150, 90};
  constexpr RECT kFrameAt = {-30, 20, 120, 95};  // over the target's edges
  constexpr RECT kLogoAt = {100, 60, 164, 108};  // over the output's
  auto& video = stage.application.video();
  runtime::VideoProcessor* processor = stage.processor.get();
  REQUIRE(video.VideoProcessorSetOutputTargetRect(processor, &kTarget) == S_OK);
  D3D11_1DDI_VIDEO_COLOR color{};
  color.RGBA = {1, 0, 0, 1};
  REQUIRE(video.VideoProcessorSetOutputBackgroundColor(processor, false, color) == S_OK);
  REQUIRE(video.VideoProcessorSetStreamDestRect(processor, 0, &kFrameAt) == S_OK);
  REQUIRE(video.VideoProcessorSetStreamDestRect(processor, 2, &kLogoAt) == S_OK);
  stage.SetColorSpace(2, 2, true);
  stage.SetFilter(0, 1);
  stage.SetFilter(2, 2);
  stage.FillOutput(0x77);
  REQUIRE(stage.Blt({frame_view.get(), nullptr, logo_view.get()}) == S_OK);
  const auto pixels = stage.ReadOutput();
  const Shape logo_shape = ShapeOf(DXGI_FORMAT_B8G8R8A8_UNORM, kWhole, kLogoAt, 2, 2);
  CHECK(LargestError(logo_shape, logo_planes, kLogoAt, kTarget, pixels) <= logo_shape.Bound());
  // The frame where the logo is not: above it and to its left.
  const Shape frame_shape = ShapeOf(DXGI_FORMAT_NV12, kWhole, kFrameAt, 0, 1);
  CHECK(LargestError(frame_shape, video_planes, kFrameAt, {8, 4, 120, 60}, pixels) <=
        frame_shape.Bound());
  CHECK(LargestError(frame_shape, video_planes, kFrameAt, {8, 4, 100, 90}, pixels) <=
        frame_shape.Bound());
  CHECK(AllAre(pixels, 0xFFFF0000u, [&](LONG x, LONG y) {
    return IsInside(x, y, kTarget) && !IsInside(x, y, kFrameAt) && !IsInside(x, y, kLogoAt);
  }));
  CHECK(AllAre(pixels, 0x77777777u, [&](LONG x, LONG y) { return !IsInside(x, y, kTarget); }));
  // More streams than the caps say never reach the driver.
  CHECK(stage.Blt({nullptr, nullptr, nullptr, nullptr, nullptr}) == E_INVALIDARG);
}

// What the session's read-back shows of a protected output, decrypted by the application.
std::vector<uint8_t> ReadProtectedOutput(Stage* stage, runtime::CryptoSession* session,
                                         const Key& session_key) {
  Key wrapped{};
  auto& video = stage->application.video();
  REQUIRE(video.GetEncryptionBltKey(session, wrapped) == S_OK);
  const auto staging =
      stage->CreateStaging(kOutputWidth, kOutputHeight, DXGI_FORMAT_B8G8R8X8_UNORM);
  Key counter_block{};
  REQUIRE(video.EncryptionBlt(session, stage->output.get(), staging.get(), counter_block) == S_OK);
  std::vector<uint8_t> bytes = stage->application.Download(staging.get());
  REQUIRE(counter_block != Key{});
  examples::AesKey key;
  const Key unwrapped = EcbDecrypt(session_key, wrapped);
  std::copy(unwrapped.begin(), unwrapped.end(), key.Expose().begin());
  examples::DecryptCtr(key, counter_block, bytes);
  return bytes;
}

constexpr Key kSessionKey = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr Key kCounterBlock = {9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0};

// A protected texture of the session's with this picture in it.
std::unique_ptr<runtime::Resource> MakeProtected(Stage* stage, runtime::CryptoSession* session,
                                                 const Planes& planes, DXGI_FORMAT format) {
  auto texture = stage->Create(kWidth, kHeight, format, true);
  const auto staging = stage->CreateStaging(kWidth, kHeight, format);
  std::vector<uint8_t> bytes = planes.All();  // kWidth samples are a whole pitch in each format
  examples::AesKey key;
  std::copy(kSessionKey.begin(), kSessionKey.end(), key.Expose().begin());
  examples::DecryptCtr(key, kCounterBlock, bytes);  // CTR: to encrypt is the same
  stage->application.Upload(staging.get(), bytes);
  REQUIRE(stage->application.video().DecryptionBlt(session, staging.get(), texture.get(), nullptr,
                                                   {}, kCounterBlock) == S_OK);
  return texture;
}

TEST_CASE(
    "P2_ A protected input of any format makes a picture in a protected output, and in no other") {
  for (const DXGI_FORMAT format : kFormats) {
    INFO("format " << format);
    const Planes planes(format);
    constexpr RECT kDestination = {0, 0, 160, 80};
    for (const bool is_output_protected : {false, true}) {
      Stage stage(is_output_protected);
      auto session = stage.application.CreateKeyedSession(kSessionKey);
      const auto texture = MakeProtected(&stage, session.get(), planes, format);
      const auto view = stage.View(texture.get());
      stage.SetColorSpace(0, 3, true);
      stage.SetFilter(0, 1);
      REQUIRE(stage.application.video().VideoProcessorSetStreamDestRect(stage.processor.get(), 0,
                                                                        &kDestination) == S_OK);
      if (!is_output_protected) stage.FillOutput(0x33);
      CHECK(stage.Blt({view.get()}) == S_OK);  // what the device refuses is a no-op (R7)
      if (!is_output_protected) {
        const auto pixels = stage.ReadOutput();
        CHECK(AllAre(pixels, 0x33333333u,
                     [&](LONG x, LONG y) { return IsInside(x, y, kDestination); }));
        continue;
      }
      const auto pixels = ReadProtectedOutput(&stage, session.get(), kSessionKey);
      const Shape shape = ShapeOf(format, kWhole, kDestination, BytesOf(format) == 4 ? 2 : 3, 1);
      CHECK(LargestError(shape, planes, kDestination, kDestination, pixels) <= shape.Bound());
      CHECK(AllAre(pixels, 0xFF000000u,
                   [&](LONG x, LONG y) { return !IsInside(x, y, kDestination); }));
    }
  }
}

TEST_CASE("A protected stream over an open one, and the other way round, keep both pictures") {
  const Planes frame_planes(DXGI_FORMAT_NV12);
  const Planes logo_planes(DXGI_FORMAT_B8G8R8X8_UNORM);
  constexpr RECT kFrameAt = {0, 0, 160, 100};
  constexpr RECT kLogoAt = {33, 11, 97, 59};
  for (const bool is_logo_protected : {false, true}) {
    Stage stage(true);
    auto session = stage.application.CreateKeyedSession(kSessionKey);
    const auto make = [&](const Planes& planes, DXGI_FORMAT format, bool is_protected) {
      if (is_protected) return MakeProtected(&stage, session.get(), planes, format);
      auto texture = stage.Create(kWidth, kHeight, format);
      REQUIRE(stage.application.context().UpdateSubresource(
                  texture.get(), nullptr, planes.All().data(), kWidth * BytesOf(format)) == S_OK);
      return texture;
    };
    const auto frame = make(frame_planes, DXGI_FORMAT_NV12, !is_logo_protected);
    const auto logo = make(logo_planes, DXGI_FORMAT_B8G8R8X8_UNORM, is_logo_protected);
    const auto frame_view = stage.View(frame.get());
    const auto logo_view = stage.View(logo.get());
    REQUIRE(stage.application.video().VideoProcessorSetStreamDestRect(stage.processor.get(), 1,
                                                                      &kLogoAt) == S_OK);
    stage.SetFilter(0, 1);
    stage.SetFilter(1, 1);
    stage.SetColorSpace(1, 2, true);
    REQUIRE(stage.Blt({frame_view.get(), logo_view.get()}) == S_OK);
    const auto pixels = ReadProtectedOutput(&stage, session.get(), kSessionKey);
    const Shape frame_shape = ShapeOf(DXGI_FORMAT_NV12, kWhole, kFrameAt, 0, 1);
    const Shape logo_shape = ShapeOf(DXGI_FORMAT_B8G8R8X8_UNORM, kWhole, kLogoAt, 2, 1);
    CHECK(LargestError(logo_shape, logo_planes, kLogoAt, kLogoAt, pixels) <= logo_shape.Bound());
    for (const RECT& beside :
         {RECT{0, 0, 160, 11}, RECT{0, 59, 160, 100}, RECT{0, 0, 33, 100}, RECT{97, 0, 160, 100}}) {
      CHECK(LargestError(frame_shape, frame_planes, kFrameAt, beside, pixels) <=
            frame_shape.Bound());
    }
  }
}

}  // namespace
}  // namespace ward::test
