#include "kmd/adapter.h"

#include <deque>
#include <unordered_map>
#include <utility>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/rule.h"
#include "kmd/hardware.h"
#include "kmd/recovery.h"
#include "kmd/render_device.h"

namespace ward::kmd {

class Adapter::Implementation {
 public:
  explicit Implementation(std::unique_ptr<Hardware> hardware) : hardware_(std::move(hardware)) {}
  ~Implementation() {
    // After the reset nothing runs, so devices end without waiting for the function.
    hardware_->Shutdown();
  }

  Hardware& hardware() { return *hardware_; }
  Recovery& recovery() { return recovery_; }

  Result<DeviceHandle> CreateDevice(const Process& process) {
    WARD_ASSIGN_OR_RETURN(const uint32_t handle, NewHandle());
    devices_.emplace(handle, std::make_unique<RenderDevice>(hardware_.get(), process));
    return handle;
  }

  void DestroyDevice(DeviceHandle device) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    for (const auto& [handle, context] : found->second->contexts()) {
      free_numbers_.push_back(context->number());
    }
    devices_.erase(found);
  }

  Result<RenderDevice*> Find(DeviceHandle device) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return Fault{abi::kStatusInvalidArgument, "no such device"};
    return found->second.get();
  }

  Result<AllocationHandle> Allocate(DeviceHandle device, const abi::AllocationData& data) {
    WARD_ASSIGN_OR_RETURN(RenderDevice * owner, Find(device));
    WARD_ASSIGN_OR_RETURN(const uint32_t handle, NewHandle());
    WARD_TRY(owner->Allocate(handle, data));
    return handle;
  }

  Result<AllocationHandle> OpenShared(DeviceHandle device, DeviceHandle owner,
                                      AllocationHandle allocation) {
    WARD_ASSIGN_OR_RETURN(RenderDevice * opener, Find(device));
    WARD_ASSIGN_OR_RETURN(RenderDevice * maker, Find(owner));
    WARD_ASSIGN_OR_RETURN(const Allocation* shared, maker->FindShared(allocation));
    if (WARD_RULE("8.5.shared_restricted", shared->shared->is_restricted)) {
      WARD_TRY(maker->CheckAccess(opener->process()));
    }
    WARD_ASSIGN_OR_RETURN(const uint32_t handle, NewHandle());
    WARD_TRY(opener->Open(handle, *shared));
    return handle;
  }

  Result<ContextHandle> CreateContext(DeviceHandle device) {
    WARD_ASSIGN_OR_RETURN(RenderDevice * owner, Find(device));
    WARD_ASSIGN_OR_RETURN(const uint32_t handle, NewHandle());
    WARD_ASSIGN_OR_RETURN(const uint32_t number, TakeNumber());
    const Result<void> created = owner->CreateContext(handle, number);
    if (created.ok()) return handle;
    free_numbers_.push_back(number);
    return created.fault();
  }

  Result<void> DestroyContext(DeviceHandle device, ContextHandle context) {
    WARD_ASSIGN_OR_RETURN(RenderDevice * owner, Find(device));
    WARD_ASSIGN_OR_RETURN(const uint32_t number, owner->DestroyContext(context));
    free_numbers_.push_back(number);
    return {};
  }

 private:
  // One number space for all kinds, so that a handle of one kind is never a valid one of another.
  Result<uint32_t> NewHandle() {
    if (next_handle_ == 0) return Fault{abi::kStatusLimitReached, "no handle is left"};
    return next_handle_++;
  }

  // Of a context of the device; 0 is the kernel's.
  Result<uint32_t> TakeNumber() {
    if (!free_numbers_.empty()) {
      const uint32_t number = free_numbers_.front();
      free_numbers_.pop_front();
      return number;
    }
    if (next_number_ >= hardware_->limits().context_count) {
      return Fault{abi::kStatusLimitReached, "every context of the device is taken"};
    }
    return next_number_++;
  }

  std::unique_ptr<Hardware> hardware_;
  Recovery::Devices devices_;
  Recovery recovery_{hardware_.get(), &devices_};
  std::deque<uint32_t> free_numbers_;
  uint32_t next_number_ = 1;
  uint32_t next_handle_ = 1;
};

Adapter::Adapter(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Adapter::~Adapter() = default;

Result<std::unique_ptr<Adapter>> Adapter::Open(abi::PciFunction* function) {
  WARD_ASSIGN_OR_RETURN(auto hardware, Hardware::Open(function));
  return std::unique_ptr<Adapter>(
      new Adapter(std::make_unique<Implementation>(std::move(hardware))));
}

abi::AdapterData Adapter::Info() const {
  const Limits& limits = implementation_->hardware().limits();
  abi::AdapterData data{};
  data.abi_version = limits.abi_version;
  data.session_count = limits.session_count;
  data.features = limits.features;
  data.visible_vram_bytes = limits.visible_vram_bytes;
  data.protected_vram_bytes = limits.protected_vram_bytes;
  return data;
}

uint32_t Adapter::KeyEpoch() {
  return implementation_->hardware().registers().Read(abi::kRegKeyEpoch);
}

Result<DeviceHandle> Adapter::CreateDevice(const Process& process) {
  return implementation_->CreateDevice(process);
}

void Adapter::DestroyDevice(DeviceHandle device) { implementation_->DestroyDevice(device); }

Result<AllocationHandle> Adapter::Allocate(DeviceHandle device, const abi::AllocationData& data) {
  return implementation_->Allocate(device, data);
}

Result<AllocationHandle> Adapter::OpenShared(DeviceHandle device, DeviceHandle owner,
                                             AllocationHandle allocation) {
  return implementation_->OpenShared(device, owner, allocation);
}

Result<void> Adapter::Free(DeviceHandle device, AllocationHandle allocation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Free(allocation);
}

Result<ByteSpan> Adapter::Lock(DeviceHandle device, AllocationHandle allocation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Lock(allocation);
}

Result<void> Adapter::Unlock(DeviceHandle device, AllocationHandle allocation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Unlock(allocation);
}

Result<void> Adapter::MakeResident(DeviceHandle device,
                                   std::span<const AllocationHandle> allocations) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->MakeResident(allocations);
}

Result<void> Adapter::Evict(DeviceHandle device, std::span<const AllocationHandle> allocations) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Evict(allocations);
}

Result<void> Adapter::Offer(DeviceHandle device, AllocationHandle allocation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Offer(allocation);
}

Result<bool> Adapter::Reclaim(DeviceHandle device, AllocationHandle allocation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Reclaim(allocation);
}

Result<Place> Adapter::PlaceOf(DeviceHandle device, AllocationHandle allocation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->PlaceOf(allocation);
}

MemoryReport Adapter::Memory() const {
  Hardware& hardware = implementation_->hardware();
  const Residency::Counts& counts = hardware.residency().counts();
  MemoryReport report;
  report.free_visible_bytes = hardware.video_memory().free_visible_bytes();
  report.free_protected_bytes = hardware.video_memory().free_protected_bytes();
  report.system_bytes = hardware.video_memory().system_bytes();
  report.moved_out = counts.moved_out;
  report.moved_in = counts.moved_in;
  report.given_up = counts.given_up;
  return report;
}

Result<void> Adapter::SetPriority(DeviceHandle device, ContextHandle context,
                                  ContextPriority priority) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->SetPriority(context, priority);
}

Result<ContextHandle> Adapter::CreateContext(DeviceHandle device) {
  return implementation_->CreateContext(device);
}

Result<void> Adapter::DestroyContext(DeviceHandle device, ContextHandle context) {
  return implementation_->DestroyContext(device, context);
}

Result<uint64_t> Adapter::Submit(DeviceHandle device, ContextHandle context, ConstByteSpan commands,
                                 std::span<const AllocationHandle> allocations,
                                 std::span<const Patch> patches) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Submit(context, commands, allocations, patches);
}

Result<void> Adapter::WaitFence(DeviceHandle device, ContextHandle context, uint64_t value) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  WARD_ASSIGN_OR_RETURN(RenderContext * found, owner->FindContext(context));
  return found->Wait(value);
}

Result<void> Adapter::SetMode(uint32_t output, uint32_t width, uint32_t height) {
  return implementation_->hardware().display().SetMode(output, width, height);
}

Result<void> Adapter::Present(DeviceHandle device, ContextHandle context,
                              AllocationHandle allocation, uint32_t width, uint32_t height,
                              uint32_t pitch, const Presentation& presentation) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  return owner->Present(context, allocation, {width, height, pitch}, presentation);
}

Display& Adapter::display() { return implementation_->hardware().display(); }

ProtectedOutputs& Adapter::protected_outputs() {
  return implementation_->hardware().protected_outputs();
}

AdapterHealth Adapter::CheckHealth() const { return implementation_->recovery().CheckHealth(); }

uint32_t Adapter::LossOf(DeviceHandle device) const {
  const auto found = implementation_->Find(device);
  return found.ok() ? found.value()->loss() : abi::kStatusOk;
}

Result<RecoveryReport> Adapter::Recover() { return implementation_->recovery().Recover(); }

Result<abi::QueueReport> Adapter::Report(DeviceHandle device, ContextHandle context) {
  WARD_ASSIGN_OR_RETURN(RenderDevice * owner, implementation_->Find(device));
  WARD_ASSIGN_OR_RETURN(RenderContext * found, owner->FindContext(context));
  return found->Report();
}

}  // namespace ward::kmd
