// The runtime's own part: what it asks of a driver, what it refuses before a driver sees it, and
// how its kernel callbacks answer a driver's mistakes.
#include <array>
#include <bit>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/private_data.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "kmd/command.h"
#include "runtime/driver_error.h"
#include "runtime/hresult_name.h"
#include "runtime/kernel_callbacks.h"
#include "runtime/kernel_device.h"
#include "runtime/swap_chain.h"
#include "tests/integration/application.h"
#include "tests/integration/function_under_test.h"

namespace ward::test {
namespace {

template <typename Table>
bool IsFilled(const Table& table) {
  const auto entries = std::bit_cast<std::array<void*, sizeof(Table) / sizeof(void*)>>(table);
  for (const void* entry : entries) {
    if (entry == nullptr) return false;
  }
  return true;
}

TEST_CASE("Every entry of the callback tables is filled") {
  CHECK(IsFilled(runtime::AdapterCallbacks()));
  CHECK(IsFilled(runtime::DeviceCallbacks()));
  CHECK(IsFilled(runtime::DxgiCallbacks()));
  CHECK(IsFilled(runtime::DriverError::Callbacks()));
}

TEST_CASE("A callback that this kernel does not have answers E_NOTIMPL") {
  CHECK(runtime::DeviceCallbacks().pfnCreateOverlayCb() == E_NOTIMPL);
  CHECK(runtime::DeviceCallbacks().pfnPresentCb(nullptr, nullptr) == E_NOTIMPL);
}

TEST_CASE("E_OUTOFMEMORY is told once and costs nothing") {
  runtime::DriverError error;
  error.Set(E_OUTOFMEMORY);
  CHECK(error.Take() == E_OUTOFMEMORY);
  CHECK(error.Take() == S_OK);
  CHECK_FALSE(error.is_removed());
}

TEST_CASE("DEVICEREMOVED removes the device for good") {
  runtime::DriverError error;
  error.Set(D3DDDIERR_DEVICEREMOVED);
  CHECK(error.Take() == runtime::kErrorDeviceRemoved);
  CHECK(error.Take() == runtime::kErrorDeviceRemoved);
  CHECK(error.driver_code() == D3DDDIERR_DEVICEREMOVED);
}

TEST_CASE("Any other code removes the device, S_OK included") {
  for (const HRESULT code : {S_OK, E_INVALIDARG, E_FAIL, D3DDDIERR_WASSTILLDRAWING}) {
    runtime::DriverError error;
    error.Begin();
    error.Set(code);
    CHECK(error.is_removed());
    CHECK(error.removed_reason() == runtime::kErrorDriverInternal);
    CHECK(error.driver_code() == code);
  }
}

TEST_CASE("Still drawing is allowed where a map may say it") {
  runtime::DriverError error;
  error.Begin(true);
  error.Set(D3DDDIERR_WASSTILLDRAWING);
  CHECK(error.Take() == runtime::kErrorWasStillDrawing);
  CHECK_FALSE(error.is_removed());
}

TEST_CASE("HRESULTs have their names, others their number") {
  CHECK(runtime::HresultName(E_INVALIDARG) == "E_INVALIDARG");
  CHECK(runtime::HresultName(static_cast<HRESULT>(0x80041234u)) == "0x80041234");
}

// A device as a driver sees it, without a driver.
struct Bare {
  Bare()
      : kernel(OpenKernel(machine.get())),
        device(std::move(runtime::KernelDevice::Create(kernel.get()).value())) {
    data.abi_version = abi::kAbiMajor << abi::kAbiVersionMajorShift;
    data.size_bytes = 4096;
  }

  HRESULT Allocate(UINT data_size, D3DKMT_HANDLE* handle) {
    D3DDDI_ALLOCATIONINFO info{};
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = data_size;
    D3DDDICB_ALLOCATE allocate{};
    allocate.NumAllocations = 1;
    allocate.pAllocationInfo = &info;
    const HRESULT result = callbacks.pfnAllocateCb(device.get(), &allocate);
    *handle = info.hAllocation;
    return result;
  }
  D3DDDICB_CREATECONTEXT CreateContext() {
    D3DDDICB_CREATECONTEXT context{};
    REQUIRE(callbacks.pfnCreateContextCb(device.get(), &context) == S_OK);
    return context;
  }

  const FunctionUnderTest machine;
  std::unique_ptr<runtime::Kernel> kernel;
  std::unique_ptr<runtime::KernelDevice> device;
  const D3DDDI_DEVICECALLBACKS& callbacks = runtime::DeviceCallbacks();
  abi::AllocationData data{};
};

TEST_CASE("An allocation without its private data is E_INVALIDARG") {
  Bare bare;
  D3DKMT_HANDLE handle = 1;
  CHECK(bare.Allocate(sizeof(abi::AllocationData) - 1, &handle) == E_INVALIDARG);
  CHECK(handle == 0);
  CHECK(bare.Allocate(sizeof(abi::AllocationData), &handle) == S_OK);
  CHECK(handle != 0);
}

TEST_CASE("An allocation that has no room is E_OUTOFMEMORY, and a small one works after it") {
  Bare bare;
  bare.data.segment = 2;
  bare.data.size_bytes = bare.machine.protected_vram() + 1;
  D3DKMT_HANDLE handle = 0;
  CHECK(bare.Allocate(sizeof(abi::AllocationData), &handle) == E_OUTOFMEMORY);
  bare.data.size_bytes = 4096;
  CHECK(bare.Allocate(sizeof(abi::AllocationData), &handle) == S_OK);
}

TEST_CASE("A lock gives memory, of a protected allocation E_INVALIDARG") {
  Bare bare;
  D3DDDICB_LOCK lock{};
  REQUIRE(bare.Allocate(sizeof(abi::AllocationData), &lock.hAllocation) == S_OK);
  CHECK(bare.callbacks.pfnLockCb(bare.device.get(), &lock) == S_OK);
  CHECK(lock.pData != nullptr);
  const D3DDDICB_UNLOCK unlock = {1, &lock.hAllocation};
  CHECK(bare.callbacks.pfnUnlockCb(bare.device.get(), &unlock) == S_OK);
  bare.data.segment = 2;
  REQUIRE(bare.Allocate(sizeof(abi::AllocationData), &lock.hAllocation) == S_OK);
  CHECK(bare.callbacks.pfnLockCb(bare.device.get(), &lock) == E_INVALIDARG);
  CHECK(lock.pData == nullptr);
}

TEST_CASE("A handle of another device is E_INVALIDARG") {
  Bare bare;
  D3DDDICB_LOCK lock{};
  REQUIRE(bare.Allocate(sizeof(abi::AllocationData), &lock.hAllocation) == S_OK);
  const auto other = std::move(runtime::KernelDevice::Create(bare.kernel.get()).value());
  CHECK(bare.callbacks.pfnLockCb(other.get(), &lock) == E_INVALIDARG);
  const D3DDDICB_DEALLOCATE deallocate = {nullptr, 1, &lock.hAllocation};
  CHECK(bare.callbacks.pfnDeallocateCb(other.get(), &deallocate) == E_INVALIDARG);
  CHECK(bare.callbacks.pfnDeallocateCb(bare.device.get(), &deallocate) == S_OK);
  CHECK(bare.callbacks.pfnDeallocateCb(bare.device.get(), &deallocate) == E_INVALIDARG);
}

TEST_CASE("A submission outside its buffers is E_INVALIDARG, and a good one works after it") {
  Bare bare;
  const D3DDDICB_CREATECONTEXT context = bare.CreateContext();
  CHECK(context.CommandBufferSize == 64 << 10);
  CHECK(context.AllocationListSize == 256);
  CHECK(context.PatchLocationListSize == 256);
  const auto noop = kmd::MakeCommand<abi::NoopCommand>();
  std::memcpy(context.pCommandBuffer, &noop, sizeof(noop));
  D3DDDICB_RENDER good{};
  good.hContext = context.hContext;
  good.CommandLength = sizeof(noop);

  D3DDDICB_RENDER render = good;
  render.CommandOffset = context.CommandBufferSize;
  CHECK(bare.callbacks.pfnRenderCb(bare.device.get(), &render) == E_INVALIDARG);
  render = good;
  render.CommandLength = 0;
  CHECK(bare.callbacks.pfnRenderCb(bare.device.get(), &render) == E_INVALIDARG);
  render = good;
  render.NumAllocations = context.AllocationListSize + 1;
  CHECK(bare.callbacks.pfnRenderCb(bare.device.get(), &render) == E_INVALIDARG);
  render = good;
  render.NumPatchLocations = 1;
  context.pPatchLocationList[0] = {};
  CHECK(bare.callbacks.pfnRenderCb(bare.device.get(), &render) == E_INVALIDARG);
  CHECK(render.pNewCommandBuffer != nullptr);
  render = good;
  render.hContext = reinterpret_cast<HANDLE>(uintptr_t{12345});
  CHECK(bare.callbacks.pfnRenderCb(bare.device.get(), &render) == E_INVALIDARG);

  render = good;
  CHECK(bare.callbacks.pfnRenderCb(bare.device.get(), &render) == S_OK);
  CHECK(render.NewCommandBufferSize == context.CommandBufferSize);
}

TEST_CASE("An escape tells of a stopped queue, for the device that asks and no other") {
  Bare bare;
  const D3DDDICB_CREATECONTEXT context = bare.CreateContext();
  auto command = kmd::MakeCommand<abi::NoopCommand>();
  command.opcode = 0x7777;
  std::memcpy(context.pCommandBuffer, &command, sizeof(command));
  D3DDDICB_RENDER render{};
  render.hContext = context.hContext;
  render.CommandLength = sizeof(command);
  // The queue stops when the device comes to the command; until then, and at most until the ring is
  // full, submissions are taken.
  HRESULT outcome = S_OK;
  for (int tries = 0; outcome == S_OK && tries < 100000; ++tries) {
    outcome = bare.callbacks.pfnRenderCb(bare.device.get(), &render);
  }
  CHECK(outcome == D3DDDIERR_DEVICEREMOVED);

  abi::QueueReport report{};
  report.escape = 1;
  D3DDDICB_ESCAPE escape{};
  escape.hDevice = bare.device.get();
  escape.hContext = context.hContext;
  escape.pPrivateDriverData = &report;
  escape.PrivateDriverDataSize = sizeof(report);
  CHECK(bare.callbacks.pfnEscapeCb(bare.kernel.get(), &escape) == S_OK);
  CHECK(report.fault_status == abi::kStatusOpcodeUnknown);
  CHECK(report.escape == 1);
  report.escape = 2;
  CHECK(bare.callbacks.pfnEscapeCb(bare.kernel.get(), &escape) == E_INVALIDARG);
  escape.hDevice = &escape;
  CHECK(bare.callbacks.pfnEscapeCb(bare.kernel.get(), &escape) == E_INVALIDARG);
}

TEST_CASE("The runtime refuses descriptions that the API forbids") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  Application application(kernel.get());
  const runtime::TextureDescription good = {64, 64, DXGI_FORMAT_NV12};
  const auto create = [&](const runtime::TextureDescription& description) {
    std::unique_ptr<runtime::Resource> resource;
    return runtime::Resource::CreateTexture2D(&application.device(), description, &resource);
  };
  CHECK(create(good) == S_OK);
  runtime::TextureDescription bad = good;
  bad.width = 0;
  CHECK(create(bad) == E_INVALIDARG);
  bad = good;
  bad.usage = runtime::Usage::kStaging;  // without CPU access
  CHECK(create(bad) == E_INVALIDARG);
  bad.cpu_access_flags = runtime::kCpuAccessRead;
  CHECK(create(bad) == S_OK);
  bad.bind_flags = runtime::kBindRenderTarget;
  CHECK(create(bad) == E_INVALIDARG);
  bad.bind_flags = 0;
  bad.misc_flags = umd::kApiResourceMiscRestrictedContent;
  CHECK(create(bad) == E_INVALIDARG);
  bad = good;
  bad.misc_flags = 0x800;  // the DDI's number of RESTRICTED_CONTENT, not the API's
  CHECK(create(bad) == E_INVALIDARG);
}

TEST_CASE("Two devices of one process and of another have their own sessions") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  Application first(kernel.get());
  Application second(kernel.get());
  auto session = first.CreateSession();
  const auto other = second.CreateSession();
  session.reset();
  std::vector<uint8_t> blob = second.Wrap(Key{1});
  CHECK(second.video().NegotiateCryptoSessionKeyExchange(other.get(), blob) == S_OK);
}

TEST_CASE("A swap chain of a size that the output does not have is E_INVALIDARG") {
  const FunctionUnderTest machine;
  const auto kernel = OpenKernel(machine.get());
  Application application(kernel.get());
  std::unique_ptr<runtime::SwapChain> chain;
  CHECK(runtime::SwapChain::Create(&application.device(), 641, 360, 2, 0, &chain) == E_INVALIDARG);
  CHECK(runtime::SwapChain::Create(&application.device(), 640, 360, 2, 0, &chain) == S_OK);
  const uint32_t flips = machine->BarRead32(0, abi::kRegOutputFlipCount);
  CHECK(chain->Present() == S_OK);
  CHECK(machine->BarRead32(0, abi::kRegOutputFlipCount) == flips + 1);
}

}  // namespace
}  // namespace ward::test
