// The video processor: what one NV12 to B8G8R8X8 blt writes.
#include <vector>

#include "tests/unit/umd/driver_fixture.h"

namespace ward::umd {
namespace {

using Place = FakeKernel::Place;

class VideoDriver : public Driver {
 public:
  VideoDriver() {
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
    return device.video.pfnVideoProcessorBlt(device.handle, processor, output, 0, stream_count,
                                             &stream);
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
  const RECT bad_sources[] = {{0, 0, 66, 48}, {-2, 0, 10, 10},  {1, 0, 11, 10},
                              {0, 0, 9, 10},  {10, 10, 10, 20}, {20, 10, 10, 20}};
  for (const RECT& rect : bad_sources) {
    driver.SetSource(rect);
    CHECK(driver.Blt() == E_INVALIDARG);
  }
  driver.SetSource({0, 0, 64, 48});
  driver.SetDestination({0, 0, 101, 80});
  CHECK(driver.Blt() == E_INVALIDARG);
  driver.SetDestination({0, 0, 50, 50});
  driver.SetTarget({0, 0, 49, 50});
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

TEST_CASE("the stream's matrix chooses BT.601 or BT.709") {
  VideoDriver driver;
  D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE color_space = {};
  color_space.YCbCr_Matrix = 1;
  const uint32_t before = driver.device.events();
  driver.device.video.pfnVideoProcessorSetStreamColorSpace(driver.device.handle, driver.processor,
                                                           0, &color_space);
  CHECK(driver.device.events() == before);
  driver.Blt();
  driver.Flush();
  CHECK(driver.kernel.commands.at(0).As<abi::VideoBltCommand>().color_space == 1);
}

TEST_CASE("the blt takes one enabled stream and objects of its own device") {
  VideoDriver driver;
  CHECK(driver.Blt(0) == E_INVALIDARG);
  CHECK(driver.Blt(2) == E_INVALIDARG);
  CHECK(driver.Blt(1, FALSE) == E_INVALIDARG);
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

TEST_CASE("views are of NV12 and of B8G8R8X8 only") {
  VideoDriver driver;
  const PrivateMemory memory(256);
  D3D11_1DDIARG_CREATEVIDEOPROCESSORINPUTVIEW input = {};
  input.hDrvResource = driver.destination.handle;
  CHECK(driver.device.video.pfnCreateVideoProcessorInputView(driver.device.handle, &input,
                                                             {memory.get()}, {}) == E_INVALIDARG);
  D3D11_1DDIARG_CREATEVIDEOPROCESSOROUTPUTVIEW output = {};
  output.hDrvResource = driver.source.handle;
  CHECK(driver.device.video.pfnCreateVideoProcessorOutputView(driver.device.handle, &output,
                                                              {memory.get()}, {}) == E_INVALIDARG);
  output.hDrvResource = {nullptr};
  CHECK(driver.device.video.pfnCreateVideoProcessorOutputView(driver.device.handle, &output,
                                                              {memory.get()}, {}) == E_INVALIDARG);
  UINT support = 99;
  driver.device.video.pfnCheckVideoProcessorFormat(driver.device.handle, {}, DXGI_FORMAT_NV12,
                                                   &support);
  CHECK(support == 1);
  driver.device.video.pfnCheckVideoProcessorFormat(driver.device.handle, {},
                                                   DXGI_FORMAT_B8G8R8X8_UNORM, &support);
  CHECK(support == 2);
  driver.device.video.pfnCheckVideoProcessorFormat(driver.device.handle, {}, DXGI_FORMAT_P010,
                                                   &support);
  CHECK(support == 0);
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
  video.pfnVideoProcessorSetStreamSourceRect(device, processor, 1, TRUE, &rect);  // second stream
  CHECK(driver.device.events() == before + 1);
}

}  // namespace
}  // namespace ward::umd
