// The DXGI table through the runtime, on the chip: rotation of back buffers, blts, presents to a
// surface, display mode, residency; copies inside one resource.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "runtime/dxgi_device.h"
#include "runtime/swap_chain.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 480;

struct Stage {
  Stage()
      : kernel(OpenKernel(machine.get())), application(kernel.get()), dxgi(&application.device()) {}

  std::unique_ptr<runtime::Resource> Create(const runtime::TextureDescription& description) {
    std::unique_ptr<runtime::Resource> texture;
    REQUIRE(runtime::Resource::CreateTexture2D(&application.device(), description, &texture) ==
            S_OK);
    return texture;
  }
  // A texture of one colour, bytes B, G, R, X.
  void Paint(runtime::Resource* resource, uint32_t value) {
    const runtime::TextureDescription& description = resource->description();
    std::vector<uint8_t> bytes(size_t{description.width} * description.height * 4);
    for (size_t i = 0; i < bytes.size(); i += 4) StoreLe<uint32_t>(&bytes[i], value);
    REQUIRE(application.context().UpdateSubresource(resource, nullptr, bytes.data(),
                                                    description.width * 4) == S_OK);
  }
  std::vector<uint8_t> Read(runtime::Resource* resource) {
    runtime::TextureDescription description = resource->description();
    description.usage = runtime::Usage::kStaging;
    description.bind_flags = 0;
    description.is_back_buffer = false;
    description.cpu_access_flags = runtime::kCpuAccessRead;
    const auto staging = Create(description);
    REQUIRE(application.context().CopyResource(staging.get(), resource) == S_OK);
    return application.Download(staging.get());
  }
  uint32_t FirstPixel(runtime::Resource* resource) {
    return LoadLe<uint32_t>(Read(resource).data());
  }
  uint32_t Shown() {
    const device::ScanoutInfo info = machine.Scanout(0);
    std::vector<uint8_t> pixels(size_t{info.width} * info.height * 4);
    machine.ReadScreen(0, device::ScanoutView::kOperator, pixels, info.width * 4);
    return LoadLe<uint32_t>(pixels.data());
  }

  const FunctionUnderTest machine;
  std::unique_ptr<runtime::Kernel> kernel;
  Application application;
  runtime::DxgiDevice dxgi;
};

TEST_CASE("RotateResourceIdentities rotates the pictures through the buffers and the screen",
          "[needs-screen]") {
  Stage stage;
  std::unique_ptr<runtime::SwapChain> chain;
  REQUIRE(runtime::SwapChain::Create(&stage.application.device(), kWidth, kHeight, 3, 0, &chain) ==
          S_OK);
  constexpr uint32_t kColors[] = {0xFF0000AA, 0xFF00BB00, 0xFFCC0000};
  runtime::Resource* buffers[] = {chain->GetBuffer(0), chain->GetBuffer(1), chain->GetBuffer(2)};
  for (int i = 0; i < 3; ++i) stage.Paint(buffers[i], kColors[i]);
  REQUIRE(stage.dxgi.RotateResourceIdentities(buffers) == S_OK);
  for (int i = 0; i < 3; ++i) CHECK(stage.FirstPixel(buffers[i]) == kColors[(i + 1) % 3]);
  REQUIRE(chain->Present() == S_OK);  // buffer 0
  CHECK(stage.Shown() == kColors[1]);
  REQUIRE(stage.dxgi.RotateResourceIdentities(buffers) == S_OK);
  REQUIRE(stage.dxgi.RotateResourceIdentities(buffers) == S_OK);
  for (int i = 0; i < 3; ++i) CHECK(stage.FirstPixel(buffers[i]) == kColors[i]);
  // Of two kinds: refused, and nothing moved.
  const auto other = stage.Create({kWidth, kHeight, DXGI_FORMAT_B8G8R8X8_UNORM});
  runtime::Resource* mixed[] = {buffers[0], other.get()};
  CHECK(stage.dxgi.RotateResourceIdentities(mixed) == E_INVALIDARG);
  CHECK(stage.FirstPixel(buffers[0]) == kColors[0]);
}

TEST_CASE("Present shows a buffer as many vblanks after the one before as SyncInterval says",
          "[needs-screen][needs-time]") {
  Stage stage;
  std::unique_ptr<runtime::SwapChain> chain;
  REQUIRE(runtime::SwapChain::Create(&stage.application.device(), kWidth, kHeight, 2, 0, &chain) ==
          S_OK);
  stage.Paint(chain->GetBuffer(0), 0xFF0000AA);
  stage.Paint(chain->GetBuffer(1), 0xFF00BB00);
  const auto count = [&] { return stage.machine->BarRead32(0, abi::kRegOutputVblankCount); };
  stage.machine.HoldTime();
  REQUIRE(chain->Present() == S_OK);
  uint32_t expected = count();
  for (const UINT interval : {1u, 0u, 2u, 3u, 0u, 4u, 1u}) {
    INFO(interval);
    const uint32_t color = chain->GetCurrentBackBufferIndex() == 0 ? 0xFF0000AA : 0xFF00BB00;
    REQUIRE(chain->Present(interval) == S_OK);
    expected += interval;
    CHECK(count() == expected);
    CHECK(stage.Shown() == color);
  }
  CHECK(chain->Present(5) == E_INVALIDARG);
  CHECK(count() == expected);
}

TEST_CASE("Blt copies, converts and scales between surfaces") {
  Stage stage;
  const auto red = stage.Create({64, 64, DXGI_FORMAT_B8G8R8A8_UNORM});
  stage.Paint(red.get(), 0x12FF0000);
  const auto same = stage.Create({100, 100, DXGI_FORMAT_B8G8R8A8_UNORM});
  stage.Paint(same.get(), 0x33333333);
  REQUIRE(stage.dxgi.Blt(same.get(), {20, 30, 84, 94}, red.get()) == S_OK);
  std::vector<uint8_t> pixels = stage.Read(same.get());
  const uint32_t pitch = 448;
  const auto at = [&](uint32_t x, uint32_t y) {
    return LoadLe<uint32_t>(&pixels[size_t{y} * pitch + 4 * x]);
  };
  CHECK(at(20, 30) == 0x12FF0000);  // a copy keeps alpha
  CHECK(at(83, 93) == 0x12FF0000);
  CHECK(at(19, 30) == 0x33333333);
  CHECK(at(84, 93) == 0x33333333);
  REQUIRE(stage.dxgi.Blt(same.get(), {0, 0, 10, 10}, red.get()) == S_OK);
  pixels = stage.Read(same.get());
  CHECK(at(9, 9) == 0xFFFF0000);  // scaled: opaque
  CHECK(at(10, 9) == 0x33333333);
  // Of NV12: grey of BT.601.
  const auto video = stage.Create({64, 64, DXGI_FORMAT_NV12});
  const std::vector<uint8_t> grey(64 * 96, 128);
  REQUIRE(stage.application.context().UpdateSubresource(video.get(), nullptr, grey.data(), 64) ==
          S_OK);
  DXGI_DDI_ARG_BLT_FLAGS flags{};
  CHECK(stage.dxgi.Blt1(same.get(), {50, 50, 70, 70}, video.get(), {1, 1, 21, 21}, flags) ==
        E_INVALIDARG);
  flags.Convert = 1;
  REQUIRE(stage.dxgi.Blt1(same.get(), {50, 50, 70, 70}, video.get(), {1, 1, 21, 21}, flags) ==
          S_OK);
  pixels = stage.Read(same.get());
  CHECK(at(69, 69) == 0xFF828282);
  CHECK(at(70, 69) == 0x12FF0000);
}

TEST_CASE("Present to a surface puts the picture there") {
  Stage stage;
  const auto surface = stage.Create({64, 64, DXGI_FORMAT_B8G8R8X8_UNORM});
  const auto window = stage.Create({32, 16, DXGI_FORMAT_B8G8R8A8_UNORM});
  stage.Paint(surface.get(), 0xFF445566);
  REQUIRE(stage.dxgi.PresentTo(window.get(), surface.get()) == S_OK);
  CHECK(stage.FirstPixel(window.get()) == 0xFF445566);
}

TEST_CASE("SetDisplayMode makes a primary's size the mode and shows it") {
  Stage stage;
  runtime::TextureDescription description = {kWidth, kHeight, DXGI_FORMAT_B8G8R8X8_UNORM};
  description.is_back_buffer = true;
  const auto primary = stage.Create(description);
  stage.Paint(primary.get(), 0xFF778899);
  REQUIRE(stage.dxgi.SetDisplayMode(primary.get()) == S_OK);
  CHECK(stage.machine->BarRead32(0, abi::kRegOutputSize) == (kHeight << 16 | kWidth));
  if (Offers(Need::kScreen)) CHECK(stage.Shown() == 0xFF778899);
  description.width = 333;  // no mode
  const auto odd = stage.Create(description);
  CHECK(FAILED(stage.dxgi.SetDisplayMode(odd.get())));
}

TEST_CASE("What is offered and reclaimed is still there, or said to be lost") {
  Stage stage;
  const auto texture = stage.Create({64, 64, DXGI_FORMAT_B8G8R8X8_UNORM});
  stage.Paint(texture.get(), 0xFF010203);
  runtime::Resource* resources[] = {texture.get()};
  DXGI_DDI_RESIDENCY status[1] = {};
  CHECK(stage.dxgi.QueryResourceResidency(resources, status) == S_OK);
  CHECK(status[0] != DXGI_DDI_RESIDENCY_EVICTED_TO_DISK);
  CHECK(stage.dxgi.SetResourcePriority(texture.get(), 0x28000000) == S_OK);
  REQUIRE(stage.dxgi.OfferResources(resources, D3DDDI_OFFER_PRIORITY_NORMAL) == S_OK);
  BOOL discarded[1] = {TRUE};
  REQUIRE(stage.dxgi.ReclaimResources(resources, discarded) == S_OK);
  if (discarded[0] == FALSE) CHECK(stage.FirstPixel(texture.get()) == 0xFF010203);
}

TEST_CASE("SetGPUThreadPriority gives the device's work another priority") {
  Stage stage;
  runtime::KernelDevice& kernel_device = stage.application.device().kernel_device();
  const auto texture = stage.Create({64, 64, DXGI_FORMAT_B8G8R8X8_UNORM});
  const auto queue_priority = [&] {
    stage.Paint(texture.get(), 0xFF010203);
    CHECK(stage.FirstPixel(texture.get()) == 0xFF010203);  // submitted, and done
    return stage.machine->BarRead32(0, abi::kRegQueuePriority + abi::kQueueBlockStride);
  };
  CHECK(queue_priority() == 1);
  for (const auto& [priority, expected] : {std::pair{7, 2u}, std::pair{-1, 0u}, std::pair{0, 1u}}) {
    CHECK(kernel_device.SetGpuThreadPriority(priority) == S_OK);
    CHECK(kernel_device.gpu_thread_priority() == priority);
    CHECK(queue_priority() == expected);
  }
  CHECK(kernel_device.SetGpuThreadPriority(8) == E_INVALIDARG);
  CHECK(kernel_device.SetGpuThreadPriority(-8) == E_INVALIDARG);
  CHECK(kernel_device.gpu_thread_priority() == 0);
}

TEST_CASE("QueryResourceResidency tells what was moved out, given up and brought back",
          "[needs-vram]") {
  Stage stage;
  const auto moved = stage.Create({512, 512, DXGI_FORMAT_B8G8R8X8_UNORM});
  const auto offered = stage.Create({512, 512, DXGI_FORMAT_B8G8R8X8_UNORM});
  runtime::TextureDescription in_system = {512, 512, DXGI_FORMAT_B8G8R8X8_UNORM};
  in_system.usage = runtime::Usage::kStaging;
  in_system.cpu_access_flags = runtime::kCpuAccessRead;
  const auto staging = stage.Create(in_system);
  REQUIRE(stage.machine.CanFillVram());
  stage.Paint(moved.get(), 0xFF102030);
  runtime::Resource* resources[] = {moved.get(), offered.get(), staging.get()};
  DXGI_DDI_RESIDENCY status[3] = {};
  REQUIRE(stage.dxgi.QueryResourceResidency(resources, status) == S_OK);
  CHECK(status[0] == DXGI_DDI_RESIDENCY_FULLY_RESIDENT);
  CHECK(status[1] == DXGI_DDI_RESIDENCY_FULLY_RESIDENT);
  CHECK(status[2] == DXGI_DDI_RESIDENCY_RESIDENT_IN_SHARED_MEMORY);
  runtime::Resource* given_up[] = {offered.get()};
  REQUIRE(stage.dxgi.OfferResources(given_up, D3DDDI_OFFER_PRIORITY_NORMAL) == S_OK);
  // 1 MiB for each, and some more than there is room for.
  constexpr uint64_t kMebibyte = 1 << 20;
  std::vector<std::unique_ptr<runtime::Resource>> pressure;
  for (uint64_t i = 0; i < stage.machine.visible_vram() / kMebibyte + 4; ++i) {
    pressure.push_back(stage.Create({512, 512, DXGI_FORMAT_B8G8R8X8_UNORM}));
  }
  REQUIRE(stage.dxgi.QueryResourceResidency(resources, status) == S_OK);
  CHECK(status[0] == DXGI_DDI_RESIDENCY_RESIDENT_IN_SHARED_MEMORY);
  CHECK(status[1] == DXGI_DDI_RESIDENCY_EVICTED_TO_DISK);
  BOOL discarded[1] = {FALSE};
  REQUIRE(stage.dxgi.ReclaimResources(given_up, discarded) == S_OK);
  CHECK(discarded[0] == TRUE);
  CHECK(stage.FirstPixel(moved.get()) == 0xFF102030);
  REQUIRE(stage.dxgi.QueryResourceResidency(resources, status) == S_OK);
  CHECK(status[0] == DXGI_DDI_RESIDENCY_FULLY_RESIDENT);
  CHECK(status[1] == DXGI_DDI_RESIDENCY_FULLY_RESIDENT);
}

TEST_CASE("A copy inside one resource moves overlapping rectangles as if through another") {
  Stage stage;
  const auto texture = stage.Create({64, 32, DXGI_FORMAT_B8G8R8X8_UNORM});
  std::vector<uint8_t> picture(64 * 32 * 4);
  for (size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<uint8_t>(i * 7 + i / 256);
  for (const bool is_down : {true, false}) {
    REQUIRE(stage.application.context().UpdateSubresource(texture.get(), nullptr, picture.data(),
                                                          256) == S_OK);
    const RECT from = is_down ? RECT{2, 3, 50, 25} : RECT{6, 8, 54, 30};
    const uint32_t x = is_down ? 6 : 2;
    const uint32_t y = is_down ? 8 : 3;
    REQUIRE(stage.application.context().CopySubresourceRegion(texture.get(), x, y, texture.get(),
                                                              &from) == S_OK);
    std::vector<uint8_t> expected = picture;
    for (uint32_t row = 0; row < 22; ++row) {
      std::copy_n(picture.begin() + (from.top + row) * 256 + from.left * 4, 48 * 4,
                  expected.begin() + (y + row) * 256 + x * 4);
    }
    CHECK(stage.Read(texture.get()) == expected);
  }
}

}  // namespace
}  // namespace ward::test
