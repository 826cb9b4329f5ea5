// The video processor: what its state makes of a blt's commands, and what its caps say.
#include <vector>

#include "abi/generated/registers.h"
#include "tests/unit/umd/driver_fixture.h"
#include "umd/video_processor_extension.h"

namespace ward::umd {
namespace {

using Place = FakeKernel::Place;

class VideoDriver : public Driver {
 public:
  explicit VideoDriver(uint64_t missing_features = 0) : Driver(missing_features) {
    const D3D11_1DDIARG_CREATEVIDEOPROCESSORENUM enumerator_data = {};
    REQUIRE(device.video.pfnCreateVideoProcessorEnum(device.handle, &enumerator_data, enumerator,
                                                     {}) == S_OK);
    const D3D11_1DDIARG_CREATEVIDEOPROCESSOR processor_data = {enumerator, 0};
    REQUIRE(device.video.pfnCreateVideoProcessor(device.handle, &processor_data, processor, {}) ==
            S_OK);
    D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW input_data = {};
    input_data.hDrvResource = source.handle;
    REQUIRE(device.video.pfnCreateVideoProcessorInputView(device.handle, &input_data, input, {}) ==
            S_OK);
    D3D11_1DDIARG_CREATEVIDEOPROCESSOROUTPUTVIEW output_data = {};
    output_data.hDrvResource = destination.handle;
    REQUIRE(device.video.pfnCreateVideoProcessorOutputView(device.handle, &output_data, output,
                                                           {}) == S_OK);
  }

  HRESULT Blt(UINT stream_count = 1, BOOL enable = TRUE) {
    D3D11_1DDI_VIDEO_PROCESSOR_STREAM stream = {};
    stream.Enable = enable;
    stream.hInputSurface = input;
    const std::vector<D3D11_1DDI_VIDEO_PROCESSOR_STREAM> streams(stream_count + 1, stream);
    return device.video.pfnVideoProcessorBlt(device.handle, processor, output, 0, stream_count,
                                             streams.data());
  }
  abi::VideoBltCommand BltCommand() {
    const size_t before = kernel.commands.size();
    REQUIRE(Blt() == S_OK);
    Flush();
    return kernel.commands.at(before).As<abi::VideoBltCommand>();
  }
  void SetSource(const RECT& rect) {
    device.video.pfnVideoProcessorSetStreamSourceRect(device.handle, processor, 0, TRUE, &rect);
  }
  void SetDestination(const RECT& rect) {
    device.video.pfnVideoProcessorSetStreamDestRect(device.handle, processor, 0, TRUE, &rect);
  }
  void SetTarget(const RECT& rect) {
    device.video.pfnVideoProcessorSetOutputTargetRect(device.handle, processor, TRUE, &rect);
  }

  static constexpr D3D10DDI_MIPINFO kSourceSize = Extent(64, 48);
  static constexpr D3D10DDI_MIPINFO kDestinationSize = Extent(100, 80);
  static constexpr UINT kSourcePitch = 64;
  static constexpr UINT kDestinationPitch = 448;
  CreatedResource source{&device,
                         DescribeTexture(kSourceSize, DXGI_FORMAT_NV12, D3D10_DDI_USAGE_DEFAULT,
                                         D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT)};
  CreatedResource destination{
      &device,
      DescribeTexture(kDestinationSize, DXGI_FORMAT_B8G8R8X8_UNORM, D3D10_DDI_USAGE_DEFAULT,
                      D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT)};

 private:
  PrivateMemory memory_[4] = {
      PrivateMemory(device.video.pfnCalcPrivateVideoProcessorEnumSize(device.handle, nullptr)),
      PrivateMemory(device.video.pfnCalcPrivateVideoProcessorSize(device.handle, nullptr)),
      PrivateMemory(device.video.pfnCalcPrivateVideoProcessorInputViewSize(device.handle, nullptr)),
      PrivateMemory(
          device.video.pfnCalcPrivateVideoProcessorOutputViewSize(device.handle, nullptr))};

 public:
  D3D11_1DDI_HVIDEOPROCESSORENUM enumerator = {memory_[0].get()};
  D3D11_1DDI_HVIDEOPROCESSOR processor = {memory_[1].get()};
  D3D11_1DDI_HVIDEOPROCESSORINPUTVIEW input = {memory_[2].get()};
  D3D11_1DDI_HVIDEOPROCESSOROUTPUTVIEW output = {memory_[3].get()};
};

TEST_CASE("a blt without rectangles scales all of the source to all of the destination") {
  VideoDriver driver;
  REQUIRE(driver.Blt() == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 1);
  const FakeKernel::Command& command = driver.kernel.commands[0];
  const auto blt = command.As<abi::VideoBltCommand>();
  CHECK(blt.opcode == 0x30);
  CHECK(blt.source_width == 64);
  CHECK(blt.source_height == 48);
  CHECK(blt.source_pitch == VideoDriver::kSourcePitch);
  CHECK(blt.destination_width == 100);
  CHECK(blt.destination_height == 80);
  CHECK(blt.destination_pitch == VideoDriver::kDestinationPitch);
  CHECK(blt.color_space == 0);
  const D3DKMT_HANDLE source = driver.source.AllocationOf(driver.kernel);
  CHECK(command.addresses.at(8) == Place{driver.destination.AllocationOf(driver.kernel), 0, true});
  CHECK(command.addresses.at(16) == Place{source, 0, false});
  CHECK(command.addresses.at(24) == Place{source, 64 * 48, false});
  driver.RequireClean();
}

TEST_CASE("rectangles move the addresses, and what is around them is filled after the picture") {
  VideoDriver driver;
  driver.SetSource({2, 4, 34, 24});
  driver.SetDestination({10, 20, 60, 50});
  const D3D11_1DDI_VIDEO_COLOR color = {.RGBA = {1.0f, 0.5f, -3.0f, 1.0f}};
  driver.device.video.pfnVideoProcessorSetOutputBackgroundColor(driver.device.handle,
                                                                driver.processor, FALSE, &color);
  REQUIRE(driver.Blt() == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 5);
  const FakeKernel::Command& command = driver.kernel.commands[0];
  const auto blt = command.As<abi::VideoBltCommand>();
  CHECK(blt.source_width == 32);
  CHECK(blt.source_height == 20);
  CHECK(blt.destination_width == 50);
  CHECK(blt.destination_height == 30);
  CHECK(command.addresses.at(8).offset == 20 * 448 + 40);
  CHECK(command.addresses.at(16).offset == 4 * 64 + 2);
  CHECK(command.addresses.at(24).offset == 64 * 48 + 2 * 64 + 2);
  // Above, below, left, right of the picture.
  const uint32_t expected[4][3] = {
      {0, 400, 20}, {50 * 448, 400, 30}, {20 * 448, 40, 30}, {20 * 448 + 240, 160, 30}};
  for (size_t i = 0; i < 4; ++i) {
    REQUIRE(driver.kernel.commands[i + 1].name == "FILL");
    const auto fill = driver.kernel.commands[i + 1].As<abi::FillCommand>();
    CHECK(driver.kernel.commands[i + 1].addresses.at(8).offset == expected[i][0]);
    CHECK(fill.row_bytes == expected[i][1]);
    CHECK(fill.row_count == expected[i][2]);
    CHECK(fill.destination_pitch == 448);
    CHECK(fill.value == 0xFFFF8000u);
  }
  driver.RequireClean();
}

TEST_CASE("a target rectangle bounds what is filled") {
  VideoDriver driver;
  driver.SetTarget({10, 20, 60, 50});
  driver.SetDestination({10, 20, 60, 40});
  REQUIRE(driver.Blt() == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 2);
  const auto fill = driver.kernel.commands[1].As<abi::FillCommand>();
  CHECK(fill.row_bytes == 200);
  CHECK(fill.row_count == 10);
  CHECK(fill.value == 0xFF000000u);
  CHECK(driver.kernel.commands[1].addresses.at(8).offset == 40 * 448 + 40);
}

TEST_CASE("rectangles that do not fit are refused, and disabling them gives the whole surface") {
  VideoDriver driver;
  const RECT bad_sources[] = {
      {0, 0, 66, 48}, {-2, 0, 10, 10}, {0, 40, 10, 49}, {10, 10, 10, 20}, {20, 10, 10, 20}};
  const RECT odd = {1, 0, 11, 10};
  driver.SetSource(odd);
  CHECK(driver.Blt() == S_OK);
  driver.Flush();
  driver.kernel.commands.clear();
  for (const RECT& rect : bad_sources) {
    driver.SetSource(rect);
    CHECK(driver.Blt() == E_INVALIDARG);
  }
  driver.SetSource({0, 0, 64, 48});
  driver.SetDestination({10, 0, 10, 80});
  CHECK(driver.Blt() == E_INVALIDARG);
  driver.SetDestination({-4000, 0, 4193, 80});  // scaled to more than 8192
  CHECK(driver.Blt() == E_INVALIDARG);
  driver.SetDestination({0, 0, 50, 50});
  driver.SetTarget({0, 0, 101, 50});
  CHECK(driver.Blt() == E_INVALIDARG);
  CHECK_FALSE(driver.Flush());
  const auto& video = driver.device.video;
  video.pfnVideoProcessorSetStreamSourceRect(driver.device.handle, driver.processor, 0, FALSE,
                                             nullptr);
  video.pfnVideoProcessorSetStreamDestRect(driver.device.handle, driver.processor, 0, FALSE,
                                           nullptr);
  video.pfnVideoProcessorSetOutputTargetRect(driver.device.handle, driver.processor, FALSE,
                                             nullptr);
  CHECK(driver.Blt() == S_OK);
}

D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE ColorSpace(UINT matrix, UINT nominal_range,
                                                  UINT rgb_range = 0) {
  D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE color_space = {};
  color_space.YCbCr_Matrix = matrix & 1;
  color_space.Nominal_Range = nominal_range & 3;
  color_space.RGB_Range = rgb_range & 1;
  return color_space;
}

TEST_CASE("the stream's matrix and nominal range choose the source's color space") {
  VideoDriver driver;
  const struct {
    UINT matrix, nominal_range;
    uint32_t expected;
  } cases[] = {{0, 0, 0}, {1, 0, 1}, {0, 1, 0}, {1, 1, 1}, {0, 2, 2}, {1, 2, 3}};
  const uint32_t before = driver.device.events();
  for (const auto& c : cases) {
    const auto color_space = ColorSpace(c.matrix, c.nominal_range);
    driver.device.video.pfnVideoProcessorSetStreamColorSpace(driver.device.handle, driver.processor,
                                                             0, &color_space);
    CHECK(driver.BltCommand().color_space == c.expected);
  }
  CHECK(driver.device.events() == before);
}

TEST_CASE("the output's RGB range is the blt's and the background's") {
  VideoDriver driver;
  const auto limited = ColorSpace(1, 0, 1);
  const auto& video = driver.device.video;
  video.pfnVideoProcessorSetOutputColorSpace(driver.device.handle, driver.processor, &limited);
  driver.SetDestination({0, 0, 100, 40});
  const D3D11_1DDI_VIDEO_COLOR white = {.RGBA = {1, 1, 1, 1}};
  video.pfnVideoProcessorSetOutputBackgroundColor(driver.device.handle, driver.processor, FALSE,
                                                  &white);
  CHECK(driver.BltCommand().flags == 1);
  CHECK(driver.kernel.commands.at(1).As<abi::FillCommand>().value == 0xFFEBEBEBu);
  // Yellow of BT.709: Y 0.9278, Cb 0, Cr 0.5 + 0.0722 / 1.5748.
  const D3D11_1DDI_VIDEO_COLOR yellow = {.YCbCr = {0.9278f, 0.0f, 0.5458f, 1}};
  const auto full = ColorSpace(1, 0, 0);
  video.pfnVideoProcessorSetOutputColorSpace(driver.device.handle, driver.processor, &full);
  video.pfnVideoProcessorSetOutputBackgroundColor(driver.device.handle, driver.processor, TRUE,
                                                  &yellow);
  CHECK(driver.BltCommand().flags == 0);
  CHECK(driver.kernel.commands.at(3).As<abi::FillCommand>().value == 0xFFFFFF00u);
}

TEST_CASE("a destination that reaches over its target or its surface is clipped, not squeezed") {
  VideoDriver driver;
  driver.SetTarget({10, 20, 60, 50});
  driver.SetDestination({-20, 0, 80, 45});
  const auto blt = driver.BltCommand();
  CHECK(blt.destination_width == 100);
  CHECK(blt.destination_height == 45);
  CHECK(blt.window_left == 30);
  CHECK(blt.window_top == 20);
  CHECK(blt.window_width == 50);
  CHECK(blt.window_height == 25);
  CHECK(driver.kernel.commands.at(0).addresses.at(8).offset == 20 * 448 + 40);
  // The rest of the target.
  REQUIRE(driver.kernel.commands.size() == 2);
  const auto fill = driver.kernel.commands[1].As<abi::FillCommand>();
  CHECK(driver.kernel.commands[1].addresses.at(8).offset == 45 * 448 + 40);
  CHECK(fill.row_bytes == 200);
  CHECK(fill.row_count == 5);
  // A stream beside the target leaves background alone.
  driver.SetDestination({70, 0, 80, 20});
  REQUIRE(driver.Blt() == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 3);
  CHECK(driver.kernel.commands[2].As<abi::FillCommand>().row_count == 30);
  driver.RequireClean();
}

TEST_CASE("an odd source rectangle is told by its even address and one pixel") {
  VideoDriver driver;
  driver.SetSource({3, 5, 34, 24});
  const auto blt = driver.BltCommand();
  CHECK(blt.source_width == 31);
  CHECK(blt.source_height == 19);
  CHECK(blt.source_left == 1);
  CHECK(blt.source_top == 1);
  CHECK(driver.kernel.commands[0].addresses.at(16).offset == 4 * 64 + 2);
  CHECK(driver.kernel.commands[0].addresses.at(24).offset == 64 * 48 + 2 * 64 + 2);
}

TEST_CASE("pictures that get smaller take the area filter, others the bilinear one") {
  VideoDriver driver;
  const struct {
    LONG width, height;
    uint32_t expected;
  } cases[] = {{100, 80, 1}, {64, 48, 1}, {63, 48, 2}, {32, 24, 2}, {1, 1, 2}, {100, 24, 1}};
  for (const auto& c : cases) {
    driver.SetDestination({0, 0, c.width, c.height});
    const size_t before = driver.kernel.commands.size();
    REQUIRE(driver.Blt() == S_OK);
    driver.Flush();
    CHECK(driver.kernel.commands.at(before).As<abi::VideoBltCommand>().filter == c.expected);
  }
}

TEST_CASE("the driver's extension chooses a stream's filter, and there is no other") {
  VideoDriver driver;
  const auto& video = driver.device.video;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  UINT filter = 77;
  const auto get = [&](const GUID& guid, UINT stream, UINT size) {
    return video.pfnVideoProcessorGetStreamExtension(device, driver.processor, stream, &guid, size,
                                                     &filter);
  };
  const auto set = [&](UINT value, UINT stream = 0) {
    return video.pfnVideoProcessorSetStreamExtension(
        device, driver.processor, stream, &kScalingFilterExtension, sizeof(value), &value);
  };
  CHECK(get(kScalingFilterExtension, 0, 4) == S_OK);
  CHECK(filter == 3);
  for (const UINT value : {0u, 1u, 2u}) {
    CHECK(set(value) == S_OK);
    CHECK(get(kScalingFilterExtension, 0, 4) == S_OK);
    CHECK(filter == value);
    driver.SetDestination({0, 0, 10, 10});
    CHECK(driver.BltCommand().filter == value);
    driver.kernel.commands.clear();
  }
  CHECK(get(kScalingFilterExtension, 1, 4) == S_OK);
  CHECK(filter == 3);
  const uint32_t before = driver.device.events();
  CHECK(set(4) == E_INVALIDARG);
  CHECK(set(1, 4) == E_INVALIDARG);
  CHECK(get(kNullGuid, 0, 4) == E_INVALIDARG);
  CHECK(filter == 0);
  filter = 77;
  CHECK(get(kScalingFilterExtension, 0, 3) == E_INVALIDARG);
  UINT data = 5;
  CHECK(video.pfnVideoProcessorSetOutputExtension(
            device, driver.processor, &kScalingFilterExtension, 4, &data) == E_INVALIDARG);
  CHECK(video.pfnVideoProcessorGetOutputExtension(
            device, driver.processor, &kScalingFilterExtension, 4, &data) == E_INVALIDARG);
  CHECK(data == 0);
  CHECK(driver.device.events() == before + 6);
}

TEST_CASE("streams are drawn one over the other, and background is under all of them") {
  VideoDriver driver;
  const auto& video = driver.device.video;
  // The lowest is protected: its pages change hands before anything else is drawn there.
  constexpr D3D10DDI_MIPINFO size = Extent(16, 16);
  const CreatedResource logo(
      &driver.device, DescribeTexture(size, DXGI_FORMAT_B8G8R8A8_UNORM, D3D10_DDI_USAGE_DEFAULT));
  const PrivateMemory memory(256);
  D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW view = {};
  view.hDrvResource = logo.handle;
  REQUIRE(video.pfnCreateVideoProcessorInputView(driver.device.handle, &view, {memory.get()}, {}) ==
          S_OK);
  const RECT rects[] = {{0, 0, 100, 40}, {50, 20, 82, 52}};
  for (UINT i = 0; i < 2; ++i) {
    video.pfnVideoProcessorSetStreamDestRect(driver.device.handle, driver.processor, i, TRUE,
                                             &rects[i]);
  }
  D3D11_1DDI_VIDEO_PROCESSOR_STREAM streams[4] = {};
  streams[0].Enable = streams[1].Enable = TRUE;
  streams[0].hInputSurface = driver.input;
  streams[1].hInputSurface = {memory.get()};
  REQUIRE(video.pfnVideoProcessorBlt(driver.device.handle, driver.processor, driver.output, 0, 4,
                                     streams) == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 3);
  CHECK(driver.kernel.commands[0].As<abi::VideoBltCommand>().source_format == 0);
  CHECK(driver.kernel.commands[1].As<abi::FillCommand>().row_count == 40);
  const auto top = driver.kernel.commands[2].As<abi::VideoBltCommand>();
  CHECK(top.source_format == 2);
  CHECK(top.source_width == 16);
  CHECK(top.destination_width == 32);
  CHECK(driver.kernel.commands[2].addresses.at(8).offset == 20 * 448 + 200);
  // The other way round the protected stream is drawn before, for its pages, and again on top.
  driver.kernel.commands.clear();
  std::swap(streams[0].hInputSurface, streams[1].hInputSurface);
  REQUIRE(video.pfnVideoProcessorBlt(driver.device.handle, driver.processor, driver.output, 0, 2,
                                     streams) == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 4);
  const auto format_of = [&](size_t i) {
    return driver.kernel.commands[i].As<abi::VideoBltCommand>().source_format;
  };
  CHECK(format_of(0) == 0);
  CHECK(format_of(1) == 2);
  CHECK(driver.kernel.commands[2].name == "FILL");
  CHECK(format_of(3) == 0);
  driver.RequireClean();
}

TEST_CASE("a blt without a stream that is shown makes background of the whole target") {
  VideoDriver driver;
  driver.SetTarget({10, 20, 60, 50});
  REQUIRE(driver.Blt(1, FALSE) == S_OK);
  driver.Flush();
  REQUIRE(driver.kernel.commands.size() == 1);
  const auto fill = driver.kernel.commands[0].As<abi::FillCommand>();
  CHECK(driver.kernel.commands[0].addresses.at(8).offset == 20 * 448 + 40);
  CHECK(fill.row_bytes == 200);
  CHECK(fill.row_count == 30);
}

TEST_CASE("the blt takes one to four progressive streams and objects of its own device") {
  VideoDriver driver;
  CHECK(driver.Blt(0) == E_INVALIDARG);
  CHECK(driver.Blt(5) == E_INVALIDARG);
  for (const int kind : {0, 1, 2}) {
    D3D11_1DDI_VIDEO_PROCESSOR_STREAM stream = {};
    stream.Enable = TRUE;
    stream.hInputSurface = driver.input;
    if (kind == 0) stream.PastFrames = 1;
    if (kind == 1) stream.FutureFrames = 1;
    if (kind == 2) stream.hInputSurfaceRight = driver.input;
    CHECK(driver.device.video.pfnVideoProcessorBlt(driver.device.handle, driver.processor,
                                                   driver.output, 0, 1, &stream) == E_INVALIDARG);
  }
  CHECK(driver.device.video.pfnVideoProcessorBlt(driver.device.handle, driver.processor,
                                                 driver.output, 0, 1, nullptr) == E_INVALIDARG);
  OpenedDevice other(&driver.kernel, driver.adapter);
  D3D11_1DDI_VIDEO_PROCESSOR_STREAM stream = {};
  stream.Enable = TRUE;
  stream.hInputSurface = driver.input;
  CHECK(other.video.pfnVideoProcessorBlt(other.handle, driver.processor, driver.output, 0, 1,
                                         &stream) == E_INVALIDARG);
  driver.device.video.pfnDestroyVideoProcessorInputView(driver.device.handle, driver.input);
  CHECK(driver.Blt() == E_INVALIDARG);
  CHECK_FALSE(driver.Flush());
}

// CheckVideoProcessorFormat and the views agree.
void CheckFormat(VideoDriver* driver, DXGI_FORMAT format, UINT expected) {
  const auto& video = driver->device.video;
  const D3D10DDI_HDEVICE device = driver->device.handle;
  INFO("format " << format);
  UINT support = 99;
  video.pfnCheckVideoProcessorFormat(device, driver->enumerator, format, &support);
  CHECK(support == expected);
  UINT caps = 0;
  driver->device.functions.pfnCheckFormatSupport(device, format, &caps);
  CHECK(((caps & D3D11_1DDI_FORMAT_SUPPORT_VIDEO_PROCESSOR_INPUT) != 0) == ((expected & 1) != 0));
  CHECK(((caps & D3D11_1DDI_FORMAT_SUPPORT_VIDEO_PROCESSOR_OUTPUT) != 0) == ((expected & 2) != 0));
  constexpr D3D10DDI_MIPINFO size = Extent(16, 16);
  const CreatedResource resource(&driver->device,
                                 DescribeTexture(size, format, D3D10_DDI_USAGE_DEFAULT));
  const PrivateMemory memory(256);
  D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW input = {};
  input.hDrvResource = resource.handle;
  CHECK((video.pfnCreateVideoProcessorInputView(device, &input, {memory.get()}, {}) == S_OK) ==
        ((expected & 1) != 0));
  D3D11_1DDIARG_CREATEVIDEOPROCESSOROUTPUTVIEW output = {};
  output.hDrvResource = resource.handle;
  CHECK((video.pfnCreateVideoProcessorOutputView(device, &output, {memory.get()}, {}) == S_OK) ==
        ((expected & 2) != 0));
}

TEST_CASE("formats of views are those that CheckVideoProcessorFormat names") {
  for (const uint64_t missing : {uint64_t{0}, uint64_t{abi::kFeaturesVideoFormatsMask}}) {
    VideoDriver driver(missing);
    const UINT with_formats = missing == 0 ? 1 : 0;
    CheckFormat(&driver, DXGI_FORMAT_NV12, 1);
    CheckFormat(&driver, DXGI_FORMAT_P010, with_formats);
    CheckFormat(&driver, DXGI_FORMAT_B8G8R8X8_UNORM, 2 | with_formats);
    CheckFormat(&driver, DXGI_FORMAT_B8G8R8A8_UNORM, 2 | with_formats);
    CheckFormat(&driver, DXGI_FORMAT_R8G8B8A8_UNORM, 0);
    CheckFormat(&driver, DXGI_FORMAT_R8_UNORM, 0);
  }
}

TEST_CASE("views name a resource, the first slice, and no other format's FourCC") {
  VideoDriver driver;
  const PrivateMemory memory(256);
  const auto input_result = [&](D3D10DDI_HRESOURCE resource, UINT four_cc, UINT mip, UINT slice) {
    D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW input = {};
    input.hDrvResource = resource;
    input.FourCC = four_cc;
    input.MipSlice = mip;
    input.FirstArraySlice = slice;
    return driver.device.video.pfnCreateVideoProcessorInputView(driver.device.handle, &input,
                                                                {memory.get()}, {});
  };
  CHECK(input_result(driver.source.handle, 0x3231564E, 0, 0) == S_OK);
  CHECK(input_result(driver.source.handle, 0x30313050, 0, 0) == E_INVALIDARG);
  CHECK(input_result(driver.source.handle, 0, 1, 0) == E_INVALIDARG);
  CHECK(input_result(driver.source.handle, 0, 0, 1) == E_INVALIDARG);
  CHECK(input_result({nullptr}, 0, 0, 0) == E_INVALIDARG);
}

TEST_CASE("caps offer what the device has, and nothing else") {
  for (const uint64_t missing : {uint64_t{0}, uint64_t{abi::kFeaturesVideoFormatsMask}}) {
    VideoDriver driver(missing);
    const auto& video = driver.device.video;
    const D3D10DDI_HDEVICE device = driver.device.handle;
    D3D11_1DDI_VIDEO_PROCESSOR_CAPS caps;
    std::memset(&caps, 0x5a, sizeof(caps));
    video.pfnGetVideoProcessorCaps(device, driver.enumerator, &caps);
    CHECK(caps.DeviceCaps == (missing == 0 ? 0x1cu : 0x8u));
    CHECK(caps.FeatureCaps == 0);
    CHECK(caps.FilterCaps == 0);
    CHECK(caps.InputFormatCaps == 0);
    CHECK(caps.AutoStreamCaps == 0);
    CHECK(caps.StereoCaps == 0);
    CHECK(caps.RateConversionCapsCount == 1);
    CHECK(caps.MaxInputStreams == 4);
    CHECK(caps.MaxStreamStates == 4);
  }
  VideoDriver driver;
  const auto& video = driver.device.video;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  uint32_t events = driver.device.events();
  D3D11_1DDI_VIDEO_PROCESSOR_RATE_CONVERSION_CAPS rate = {1, 2, 3, 4, 5};
  video.pfnGetVideoProcessorRateConversionCaps(device, driver.enumerator, 0, &rate);
  CHECK(rate.PastFrames + rate.FutureFrames + rate.ConversionCaps + rate.CustomRateCount == 0);
  CHECK(driver.device.events() == events);
  rate = {1, 2, 3, 4, 5};
  video.pfnGetVideoProcessorRateConversionCaps(device, driver.enumerator, 1, &rate);
  CHECK(rate.PastFrames == 0);
  D3D11_1DDI_VIDEO_PROCESSOR_CUSTOM_RATE custom = {{1, 2}, 3, TRUE, 4};
  video.pfnGetVideoProcessorCustomRate(device, driver.enumerator, 0, 0, &custom);
  CHECK(custom.CustomRate.Numerator == 0);
  CHECK(custom.OutputFrames == 0);
  D3D11_1DDI_VIDEO_PROCESSOR_FILTER_RANGE range = {1, 2, 3, 4.0f};
  video.pfnGetVideoProcessorFilterRange(device, driver.enumerator,
                                        D3D11_1DDI_VIDEO_PROCESSOR_FILTER_HUE, &range);
  CHECK(range.Maximum == 0);
  CHECK(range.Multiplier == 0.0f);
  CHECK(driver.device.events() == events + 3);
}

TEST_CASE("without VIDEO_FORMATS nothing that needs it reaches the device") {
  VideoDriver driver(abi::kFeaturesVideoFormatsMask);
  const auto& video = driver.device.video;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  const uint32_t events = driver.device.events();
  const auto full = ColorSpace(1, 2);
  const auto limited = ColorSpace(0, 0, 1);
  video.pfnVideoProcessorSetStreamColorSpace(device, driver.processor, 0, &full);
  video.pfnVideoProcessorSetOutputColorSpace(device, driver.processor, &limited);
  UINT area = 2;
  CHECK(video.pfnVideoProcessorSetStreamExtension(device, driver.processor, 0,
                                                  &kScalingFilterExtension, sizeof(area),
                                                  &area) == E_INVALIDARG);
  CHECK(driver.device.events() == events + 3);
  driver.SetDestination({0, 0, 32, 24});
  driver.SetSource({2, 2, 62, 46});
  const auto blt = driver.BltCommand();
  CHECK(blt.color_space == 1);
  CHECK(blt.flags == 0);
  CHECK(blt.filter == 1);
  const uint8_t zeros[16] = {};
  CHECK(std::memcmp(driver.kernel.commands.at(0).bytes.data() + 64, zeros, 16) == 0);
  driver.SetSource({1, 2, 62, 46});
  CHECK(driver.Blt() == E_INVALIDARG);
  driver.SetSource({2, 2, 62, 46});
  driver.SetDestination({-1, 0, 32, 24});
  CHECK(driver.Blt() == E_INVALIDARG);
}

TEST_CASE("state that is not supported counts when it is switched on, and only then") {
  VideoDriver driver;
  const auto& video = driver.device.video;
  const D3D10DDI_HDEVICE device = driver.device.handle;
  const D3D11_1DDI_HVIDEOPROCESSOR processor = driver.processor;
  for (const BOOL enable : {FALSE, TRUE}) {
    const uint32_t before = driver.device.events();
    video.pfnVideoProcessorSetStreamLumaKey(device, processor, 0, enable, 0, 1);
    video.pfnVideoProcessorSetOutputStereoMode(device, processor, enable);
    video.pfnVideoProcessorSetStreamAlpha(device, processor, 0, enable, 0.5f);
    video.pfnVideoProcessorSetStreamRotation(device, processor, 0, enable,
                                             D3D11_1DDI_VIDEO_PROCESSOR_ROTATION_90);
    video.pfnVideoProcessorSetStreamFilter(device, processor, 0,
                                           D3D11_1DDI_VIDEO_PROCESSOR_FILTER_HUE, enable, 1);
    video.pfnVideoProcessorSetStreamPixelAspectRatio(device, processor, 0, enable, nullptr,
                                                     nullptr);
    CHECK(driver.device.events() == before + (enable ? 6 : 0));
  }
  const uint32_t before = driver.device.events();
  const RECT rect = {0, 0, 2, 2};
  video.pfnVideoProcessorSetStreamSourceRect(device, processor, 4, TRUE, &rect);  // a fifth stream
  CHECK(driver.device.events() == before + 1);
}

}  // namespace
}  // namespace ward::umd
