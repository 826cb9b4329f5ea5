// IDXGISwapChain: buffers that are flipped to output 0 in turn.
#ifndef WARD_RUNTIME_SWAP_CHAIN_H_
#define WARD_RUNTIME_SWAP_CHAIN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/device.h"
#include "runtime/resource.h"

namespace ward::runtime {

// DXGI_SWAP_CHAIN_DESC.Windowed.
enum class Presentation {
  kFullScreen,  // the screen is the chain's alone
  kWindowed,    // what is shown counts as composed; this runtime has no other windows to compose it
                // with
};

class SwapChain {
 public:
  // Sets the output's mode to the size and makes the buffers (B8G8R8X8). `misc_flags` are the
  // API's: RESTRICTED_CONTENT makes a chain for protected pictures. E_INVALIDARG when the output
  // has no such mode. `device` outlives the chain.
  static HRESULT Create(Device* device, uint32_t width, uint32_t height, uint32_t buffer_count,
                        uint32_t misc_flags, std::unique_ptr<SwapChain>* chain,
                        Presentation presentation = Presentation::kFullScreen);
  ~SwapChain();
  SwapChain(const SwapChain&) = delete;
  SwapChain& operator=(const SwapChain&) = delete;

  // Buffers keep their identity: `index` of the one that the next Present shows is
  // GetCurrentBackBufferIndex.
  Resource* GetBuffer(uint32_t index) { return buffers_[index].get(); }
  uint32_t GetCurrentBackBufferIndex() const { return current_; }
  uint32_t buffer_count() const { return static_cast<uint32_t>(buffers_.size()); }

  static constexpr UINT kMaximumSyncInterval = 4;

  // Flips the current buffer to the screen after everything that was recorded before. With a
  // SyncInterval of 1 to 4 it is shown from a vblank on, that many after the one at which the
  // buffer before was shown; 0: at once. Returns when it is shown. E_INVALIDARG above 4.
  HRESULT Present(UINT sync_interval = 0);

 private:
  explicit SwapChain(Device* device) : device_(device) {}

  Device* device_;
  std::vector<std::unique_ptr<Resource>> buffers_;
  uint32_t current_ = 0;
  bool full_screen_ = false;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_SWAP_CHAIN_H_
