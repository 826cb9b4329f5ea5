// Resources of two devices: the same pixels, and memory that lasts as long as one of them has it.
#include <memory>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "runtime/dxgi_device.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

constexpr uint32_t kShared = umd::kApiResourceMiscShared;

struct Pair {
  Pair() : kernel(OpenKernel(machine.get())) {}

  const FunctionUnderTest machine;
  std::unique_ptr<runtime::Kernel> kernel;
  Application first{kernel.get()};
  Application second{kernel.get()};
};

std::unique_ptr<runtime::Resource> Create(Application* application,
                                          const runtime::TextureDescription& description) {
  std::unique_ptr<runtime::Resource> texture;
  REQUIRE(runtime::Resource::CreateTexture2D(&application->device(), description, &texture) ==
          S_OK);
  return texture;
}

std::unique_ptr<runtime::Resource> Open(Application* application, const runtime::Resource& shared) {
  uint32_t handle = 0;
  REQUIRE(shared.GetSharedHandle(&handle) == S_OK);
  std::unique_ptr<runtime::Resource> opened;
  REQUIRE(runtime::Resource::OpenShared(&application->device(), handle, &opened) == S_OK);
  return opened;
}

std::vector<uint8_t> Read(Application* application, runtime::Resource* resource) {
  runtime::TextureDescription description = resource->description();
  description.usage = runtime::Usage::kStaging;
  description.misc_flags = 0;
  description.cpu_access_flags = runtime::kCpuAccessRead;
  const auto staging = Create(application, description);
  REQUIRE(application->context().CopyResource(staging.get(), resource) == S_OK);
  return application->Download(staging.get());
}

std::vector<uint8_t> Texture(size_t bytes, uint8_t seed) {
  std::vector<uint8_t> data(bytes);
  for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<uint8_t>(i * 31 + i / 256 + seed);
  return data;
}

TEST_CASE("A resource that a second device opened shows the same pixels, written by either") {
  Pair pair;
  runtime::TextureDescription description = {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM};
  description.misc_flags = kShared;
  const auto made = Create(&pair.first, description);
  const auto before = Texture(64 * 32 * 4, 1);
  REQUIRE(pair.first.context().UpdateSubresource(made.get(), nullptr, before.data(), 256) == S_OK);
  const auto opened = Open(&pair.second, *made);
  CHECK(opened->description().width == 64);
  CHECK(opened->description().format == DXGI_FORMAT_B8G8R8X8_UNORM);
  CHECK(Read(&pair.second, opened.get()) == before);
  const auto after = Texture(64 * 32 * 4, 77);
  REQUIRE(pair.second.context().UpdateSubresource(opened.get(), nullptr, after.data(), 256) ==
          S_OK);
  CHECK(Read(&pair.first, made.get()) == after);
  // Drawn by the GPU: what the second device reads comes after the first one's submission.
  const auto source = Create(&pair.first, {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM});
  REQUIRE(pair.first.context().UpdateSubresource(source.get(), nullptr, before.data(), 256) ==
          S_OK);
  REQUIRE(pair.first.context().CopyResource(made.get(), source.get()) == S_OK);
  REQUIRE(runtime::DxgiDevice(&pair.first.device()).ResolveSharedResource(made.get()) == S_OK);
  CHECK(Read(&pair.first, made.get()) == before);
  CHECK(Read(&pair.second, opened.get()) == before);
}

TEST_CASE("Shared memory lasts until the last of those who have it frees it") {
  Pair pair;
  runtime::TextureDescription description = {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM};
  description.misc_flags = kShared;
  auto made = Create(&pair.first, description);
  const auto picture = Texture(64 * 32 * 4, 5);
  REQUIRE(pair.first.context().UpdateSubresource(made.get(), nullptr, picture.data(), 256) == S_OK);
  uint32_t handle = 0;
  REQUIRE(made->GetSharedHandle(&handle) == S_OK);
  const auto opened = Open(&pair.second, *made);
  made.reset();
  // Memory for others comes from elsewhere.
  for (int i = 0; i < 8; ++i) {
    const auto other = Create(&pair.first, {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM});
    const auto noise = Texture(64 * 32 * 4, static_cast<uint8_t>(100 + i));
    REQUIRE(pair.first.context().UpdateSubresource(other.get(), nullptr, noise.data(), 256) ==
            S_OK);
  }
  CHECK(Read(&pair.second, opened.get()) == picture);
  std::unique_ptr<runtime::Resource> late;
  CHECK(runtime::Resource::OpenShared(&pair.second.device(), handle, &late) == E_INVALIDARG);
}

TEST_CASE("What was not made to be shared is not, and a handle that names nothing opens nothing") {
  Pair pair;
  const auto plain = Create(&pair.first, {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM});
  uint32_t handle = 77;
  CHECK(plain->GetSharedHandle(&handle) == E_INVALIDARG);
  CHECK(handle == 0);
  std::unique_ptr<runtime::Resource> opened;
  for (const uint32_t number : {0u, 1u, 0x40000002u, 0xffffffffu}) {
    CHECK(runtime::Resource::OpenShared(&pair.second.device(), number, &opened) == E_INVALIDARG);
  }
  runtime::TextureDescription description = {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM,
                                             runtime::Usage::kStaging};
  description.cpu_access_flags = runtime::kCpuAccessRead;
  description.misc_flags = kShared;
  std::unique_ptr<runtime::Resource> staging;
  CHECK(runtime::Resource::CreateTexture2D(&pair.first.device(), description, &staging) ==
        E_INVALIDARG);
}

TEST_CASE("A shared resource is not offered, and the device that made it may go first") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  Application second(kernel.get());
  std::unique_ptr<runtime::Resource> opened;
  const auto picture = Texture(64 * 32 * 4, 9);
  {
    Application first(kernel.get());
    runtime::TextureDescription description = {64, 32, DXGI_FORMAT_B8G8R8X8_UNORM};
    description.misc_flags = kShared;
    const auto made = Create(&first, description);
    REQUIRE(first.context().UpdateSubresource(made.get(), nullptr, picture.data(), 256) == S_OK);
    runtime::Resource* resources[] = {made.get()};
    CHECK(FAILED(
        runtime::DxgiDevice(&first.device()).OfferResources(resources, D3DDDI_OFFER_PRIORITY_LOW)));
    opened = Open(&second, *made);
  }
  CHECK(Read(&second, opened.get()) == picture);
}

}  // namespace
}  // namespace ward::test
