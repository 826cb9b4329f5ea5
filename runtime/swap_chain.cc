#include "runtime/swap_chain.h"

#include <utility>

namespace ward::runtime {

HRESULT SwapChain::Create(Device* device, uint32_t width, uint32_t height, uint32_t buffer_count,
                          uint32_t misc_flags, std::unique_ptr<SwapChain>* chain,
                          Presentation presentation) {
  if (buffer_count == 0) return E_INVALIDARG;
  const Result<void> mode = device->adapter().kernel().SetMode(width, height);
  if (!mode.ok()) return HresultOf(mode.fault());
  TextureDescription description = {width, height, DXGI_FORMAT_B8G8R8X8_UNORM};
  description.bind_flags = kBindRenderTarget;
  description.misc_flags = misc_flags;
  description.is_back_buffer = true;
  std::unique_ptr<SwapChain> made(new SwapChain(device));
  for (uint32_t i = 0; i < buffer_count; ++i) {
    std::unique_ptr<Resource> buffer;
    const HRESULT result = Resource::CreateTexture2D(device, description, &buffer);
    if (FAILED(result)) return result;
    made->buffers_.push_back(std::move(buffer));
  }
  made->full_screen_ = presentation == Presentation::kFullScreen;
  *chain = std::move(made);
  return S_OK;
}

SwapChain::~SwapChain() { device_->kernel_device().ForgetPresentation(this); }

HRESULT SwapChain::Present(UINT sync_interval) {
  if (sync_interval > kMaximumSyncInterval) return E_INVALIDARG;
  // The driver only sees the interval; dxgkrnl has it from DXGI, under the context that the driver
  // hands on.
  device_->kernel_device().SetPresentation(
      this, {.full_screen = full_screen_, .interval = sync_interval});
  DXGI_DDI_ARG_PRESENT arguments{};
  arguments.hDevice = reinterpret_cast<DXGI_DDI_HDEVICE>(device_->driver_handle().pDrvPrivate);
  arguments.hSurfaceToPresent =
      reinterpret_cast<DXGI_DDI_HRESOURCE>(buffers_[current_]->driver_handle().pDrvPrivate);
  arguments.pDXGIContext = this;
  arguments.Flags.Flip = 1;
  arguments.FlipInterval = static_cast<DXGI_DDI_FLIP_INTERVAL_TYPE>(sync_interval);
  device_->errors().Begin();
  const HRESULT result = device_->dxgi_functions().pfnPresent(&arguments);
  const HRESULT reported = device_->errors().Take();
  if (FAILED(result)) return result;
  if (SUCCEEDED(reported)) current_ = (current_ + 1) % buffer_count();
  return reported;
}

}  // namespace ward::runtime
