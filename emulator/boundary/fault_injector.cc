#include "emulator/boundary/fault_injector.h"

#include <algorithm>
#include <deque>
#include <map>

namespace ward::emulator {
namespace {

// The store of a fence that was held back.
struct HeldFence {
  uint64_t due_ns;
  bool in_vram;
  uint64_t address;
  uint64_t value;
};

}  // namespace

class FaultInjector::Taps final : public device::DmaPort, public device::InterruptPort {
 public:
  Taps(const FaultPlan& plan, const device::Ports& host)
      : plan_(plan), host_(host), vram_(this), lost_counts_(plan.lost_interrupts.size()) {}

  device::Ports ports() {
    return {this, &vram_, this, host_.clock, host_.entropy, host_.trace, host_.executor};
  }
  const FaultPlan& plan() const { return plan_; }

  bool Read(uint64_t bus_address, ByteSpan destination) override {
    return !DmaFails() && host_.dma->Read(bus_address, destination);
  }
  bool Write(uint64_t bus_address, ConstByteSpan source) override {
    return !DmaFails() && host_.dma->Write(bus_address, source);
  }
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
    if (DmaFails()) return false;
    if (plan_.late_fence_ns == 0) return host_.dma->WriteAtomic64(bus_address, value);
    Hold(false, bus_address, value);
    return true;
  }

  // Faults are counted by access.
  uint8_t* Window(uint64_t bus_address, uint64_t size_bytes, bool is_write) override {
    if (!plan_.dma_errors.empty()) return nullptr;
    return host_.dma->Window(bus_address, size_bytes, is_write);
  }
  void CloseWindow(uint8_t* window, uint64_t size_bytes) override {
    host_.dma->CloseWindow(window, size_bytes);
  }

  void SendVector(uint32_t vector) override {
    bool is_lost = false;
    for (size_t i = 0; i < plan_.lost_interrupts.size(); ++i) {
      const FaultPlan::LostInterrupt& lost = plan_.lost_interrupts[i];
      if (lost.vector.value_or(vector) != vector) continue;
      is_lost = ++lost_counts_[i] % lost.every == 0 || is_lost;
    }
    if (!is_lost) host_.interrupts->SendVector(vector);
  }

  // What is due by now.
  void Advance(Boundary* boundary) {
    const uint64_t now = host_.clock->NowNs();
    while (!held_.empty() && held_.front().due_ns <= now) Release();
    while (!plan_.hdcp_losses.empty() && plan_.hdcp_losses.front().at_ns <= now) {
      boundary->SetLinkFault(plan_.hdcp_losses.front().output, device::LinkFault::kLinkLost);
      plan_.hdcp_losses.erase(plan_.hdcp_losses.begin());
    }
  }
  // 0: nothing waits.
  uint64_t WakeupNs() const {
    uint64_t wakeup = UINT64_MAX;
    if (!held_.empty()) wakeup = held_.front().due_ns;
    if (!plan_.hdcp_losses.empty()) wakeup = std::min(wakeup, plan_.hdcp_losses.front().at_ns);
    return wakeup == UINT64_MAX ? 0 : wakeup;
  }

 private:
  // Fences of a guest that has thousands in flight do not pile up here.
  static constexpr size_t kMostHeld = 1024;

  class Vram final : public device::VramPort {
   public:
    explicit Vram(Taps* taps) : taps_(taps) {}
    void Read(uint64_t offset, ByteSpan destination) override {
      taps_->host_.vram->Read(offset, destination);
    }
    void Write(uint64_t offset, ConstByteSpan source) override {
      taps_->host_.vram->Write(offset, source);
    }
    void WriteAtomic64(uint64_t offset, uint64_t value) override {
      if (taps_->plan_.late_fence_ns == 0) {
        taps_->host_.vram->WriteAtomic64(offset, value);
      } else {
        taps_->Hold(true, offset, value);
      }
    }
    uint8_t* Window(uint64_t offset, uint64_t size_bytes) override {
      return taps_->host_.vram->Window(offset, size_bytes);
    }
    void CloseWindow(uint64_t offset, uint64_t size_bytes) override {
      taps_->host_.vram->CloseWindow(offset, size_bytes);
    }

   private:
    Taps* taps_;
  };

  bool DmaFails() {
    ++dma_count_;
    return std::any_of(plan_.dma_errors.begin(), plan_.dma_errors.end(),
                       [&](const FaultPlan::DmaError& error) {
                         if (error.nth != 0 && dma_count_ <= error.nth) {
                           return dma_count_ == error.nth;
                         }
                         return error.every != 0 && (dma_count_ - error.nth) % error.every == 0;
                       });
  }
  void Hold(bool in_vram, uint64_t address, uint64_t value) {
    if (held_.size() == kMostHeld) Release();
    const uint64_t now = host_.clock->NowNs();
    held_.push_back({now + plan_.late_fence_ns, in_vram, address, value});
  }
  void Release() {
    const HeldFence fence = held_.front();
    held_.pop_front();
    if (fence.in_vram) {
      host_.vram->WriteAtomic64(fence.address, fence.value);
    } else {
      // The machine may have unmapped it meanwhile, as with any late write.
      (void)host_.dma->WriteAtomic64(fence.address, fence.value);
    }
  }

  FaultPlan plan_;
  device::Ports host_;
  Vram vram_;
  std::vector<uint64_t> lost_counts_;  // by entry of the plan
  uint64_t dma_count_ = 0;
  std::deque<HeldFence> held_;  // by time
};

FaultInjector::FaultInjector(const FaultPlan& plan, const device::Ports& host)
    : taps_(std::make_unique<Taps>(plan, host)) {}

FaultInjector::~FaultInjector() = default;

device::Ports FaultInjector::ports() { return taps_->ports(); }

void FaultInjector::Apply(device::GpuOptions* options) const {
  const FaultPlan& plan = taps_->plan();
  if (plan.firmware_slowdown != 1) options->firmware_slowdown = plan.firmware_slowdown;
  if (plan.engine_hang_after != 0) options->engine_hang_after = plan.engine_hang_after;
}

device::ProcessResult FaultInjector::Process(Boundary* boundary, uint64_t budget_bytes) {
  taps_->Advance(boundary);
  device::ProcessResult result = boundary->Process(budget_bytes);
  const uint64_t own_ns = taps_->WakeupNs();
  if (own_ns != 0) {
    result.wakeup_ns = result.wakeup_ns == 0 ? own_ns : std::min(result.wakeup_ns, own_ns);
  }
  return result;
}

}  // namespace ward::emulator
