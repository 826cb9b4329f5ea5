// The kernel-mode driver's core: brings the function up, owns video memory, contexts and queues,
// submits and waits, presents. The hardware only as an abi::PciFunction. Not thread-safe: its
// caller serialises, as dxgkrnl does for one adapter.
#ifndef WARD_KMD_ADAPTER_H_
#define WARD_KMD_ADAPTER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "abi/generated/private_data.h"
#include "abi/pci_function.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/protected_output.h"

namespace ward::kmd {

// Numbers that the user-mode side holds. Never 0, never reused while the adapter lives, always
// looked up: a wrong one is INVALID_ARGUMENT.
using DeviceHandle = uint32_t;      // one per runtime device, that is per process and D3D device
using AllocationHandle = uint32_t;  // D3DKMT_HANDLE of an allocation; belongs to one device
using ContextHandle = uint32_t;     // a GPU context; belongs to one device

// ALLOCATION_DATA.segment.
enum class Segment : uint32_t { kSystem = 0, kVisible = 1, kProtected = 2 };

// The 64-bit GPU virtual address of an allocation, plus an offset in it, goes to a place in the
// command buffer (D3DDDI_PATCHLOCATIONLIST).
struct Patch {
  uint32_t allocation_index;  // in the submission's list
  uint32_t allocation_offset;
  uint32_t patch_offset;  // in the command buffer; aligned to 8
};

// Where an allocation's content is just now.
enum class Place {
  kNowhere,      // it was offered, and given up
  kSystem,       // in system memory, where the GPU reaches it too
  kVideoMemory,  // in visible or protected VRAM
};

// What the segments hold, and what was moved since the adapter was opened.
struct MemoryReport {
  uint64_t free_visible_bytes = 0;  // page tables are in visible VRAM too
  uint64_t free_protected_bytes = 0;
  uint64_t system_bytes = 0;  // allocations, those moved out of VRAM, and the queues' buffers
  uint64_t moved_out = 0;     // allocations, from visible VRAM to system memory
  uint64_t moved_in = 0;
  uint64_t given_up = 0;  // contents of offered allocations
};

// What CheckHealth finds.
enum class AdapterHealth {
  kGood,
  kHung,   // a context's queue makes no progress
  kReset,  // the function was reset from outside, or stopped answering once
  kGone,   // the registers do not answer: powered down, unplugged, memory space off
};

// The mildest thing that helped.
enum class RecoveryAction {
  kNone,
  kEngineReset,   // of the queues that hung; of all engines when a queue ignored it
  kAdapterReset,  // of the function, which was brought up again
};

struct RecoveryReport {
  AdapterHealth health = AdapterHealth::kGood;  // before
  RecoveryAction action = RecoveryAction::kNone;
  uint32_t lost_devices = 0;  // runtime devices that are lost from now on
};

// Of a context's work against others'; the chip's three (QUEUE_PRIORITY).
enum class ContextPriority : uint32_t { kLow = 0, kNormal = 1, kHigh = 2 };

// D3DKMTSetContextSchedulingPriority has -7 to 7.
inline constexpr int kLowestSchedulingPriority = -7;
inline constexpr int kHighestSchedulingPriority = 7;
constexpr ContextPriority PriorityOf(int scheduling_priority) {
  if (scheduling_priority == 0) return ContextPriority::kNormal;
  return scheduling_priority < 0 ? ContextPriority::kLow : ContextPriority::kHigh;
}

class Display;

// Where and how a surface is shown.
struct Presentation {
  bool full_screen =
      false;  // the screen is the application's alone; else what is shown was composed
  uint32_t output = 0;
  // 0: at once; 1: from the output's next vblank on, which is waited for; 2 to 4: from the first
  // one that is as many vblanks after the one at which the surface before was shown, or later.
  uint32_t interval = 0;
};

// The process of a device, as the operating system knows it and an application's SHARED_RESOURCE
// command names it.
struct Process {
  bool is_dwm = false;  // the desktop's compositor; then `handle` has no say
  uint64_t handle = 0;  // 0: no process that anybody could name

  bool Is(const Process& other) const {
    return is_dwm ? other.is_dwm : !other.is_dwm && handle != 0 && handle == other.handle;
  }
};

class Adapter {
 public:
  // Virtual time after which a queue without progress counts as hung: WDDM's own patience.
  static constexpr uint32_t kHangTimeoutUs = 2000000;

  // Checks identity and ABI major version, resets the function, sets up the kernel's queue and
  // interrupts, waits for the firmware. DEVICE_NOT_OURS, DEVICE_NOT_READY, OUT_OF_MEMORY, ...
  // `function` outlives the adapter.
  static Result<std::unique_ptr<Adapter>> Open(abi::PciFunction* function);
  ~Adapter();  // stops every queue and resets the function
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  abi::AdapterData Info() const;
  uint32_t KeyEpoch();

  Result<DeviceHandle> CreateDevice(const Process& process = {});
  void DestroyDevice(DeviceHandle device);  // with its contexts and allocations

  // OUT_OF_MEMORY when the segment is full; INVALID_ARGUMENT for data that means nothing. Contents
  // start as zeros and are no session's; protected memory is made so by the device, whose errors
  // come too. A full visible VRAM moves what was not used for longest to system memory, keeping
  // address and content; protected memory is not pageable.
  Result<AllocationHandle> Allocate(DeviceHandle device, const abi::AllocationData& data);
  // Another device's allocation for this one too, at an address of its own. Memory and content last
  // until both have freed it; it stays in its segment and can't be offered. INVALID_ARGUMENT unless
  // it was made to be shared, and with the process of `device`: where ALLOCATION_DATA.sharing says
  // so the device is asked (CHECK_SHARED_ACCESS). Nothing orders the work of the two devices.
  Result<AllocationHandle> OpenShared(DeviceHandle device, DeviceHandle owner,
                                      AllocationHandle allocation);
  // Waits until all that was submitted to any context of the device has ended, since a command may
  // hold an address that no list named. DEVICE_TIMEOUT when a context does not get there: the
  // allocation then stays the caller's and can be freed later, or goes with the device. A context
  // that let a wait run out is only looked at by later ones, until it gets there.
  Result<void> Free(DeviceHandle device, AllocationHandle allocation);
  // CPU address; waits until no submission that listed the allocation is left. LOCK_REFUSED for
  // protected memory. Locks nest. A locked allocation stays where it is: the address is good until
  // the last Unlock, and submissions that list it use it there.
  Result<ByteSpan> Lock(DeviceHandle device, AllocationHandle allocation);
  Result<void> Unlock(DeviceHandle device, AllocationHandle allocation);

  // Residency of visible VRAM. What a submission lists, and what is presented, is brought back by
  // itself; these are for who knows better. The whole list or nothing.
  // Brings allocations back and keeps them until as many calls of Evict. OUT_OF_MEMORY when what
  // may move does not make room.
  Result<void> MakeResident(DeviceHandle device, std::span<const AllocationHandle> allocations);
  // Takes MakeResident back; who has none left is the first to move out when room is needed.
  // INVALID_ARGUMENT without as many calls of MakeResident.
  Result<void> Evict(DeviceHandle device, std::span<const AllocationHandle> allocations);
  // The content may be given up rather than moved. Until Reclaim every other use but Free is
  // INVALID_ARGUMENT, and so is offering what is locked or was made resident.
  Result<void> Offer(DeviceHandle device, AllocationHandle allocation);
  // Whether the content is still there; if not it is zeros. OUT_OF_MEMORY: it stays offered.
  Result<bool> Reclaim(DeviceHandle device, AllocationHandle allocation);
  // Changes nothing: an allocation is not used by being asked about.
  Result<Place> PlaceOf(DeviceHandle device, AllocationHandle allocation);
  MemoryReport Memory() const;

  // LIMIT_REACHED when the device has no context left. Contexts share the queues: one gets a queue
  // when it submits and keeps it while it has work in flight.
  Result<ContextHandle> CreateContext(DeviceHandle device);
  Result<void> DestroyContext(DeviceHandle device, ContextHandle context);
  // Normal at first. From the context's first submission on that finds none of its own in flight.
  // INVALID_ARGUMENT for another one than normal on a device without QUEUE_PRIORITY.
  Result<void> SetPriority(DeviceHandle device, ContextHandle context, ContextPriority priority);

  // Patches a copy of the commands, puts it into an indirect buffer of the context's queue with a
  // fence behind it, rings the doorbell. Gives the fence's value. QUEUE_FAULTED when the context's
  // queue has stopped; OUT_OF_MEMORY when the list does not fit into visible VRAM; DEVICE_TIMEOUT
  // when every queue of the device stays busy.
  Result<uint64_t> Submit(DeviceHandle device, ContextHandle context, ConstByteSpan commands,
                          std::span<const AllocationHandle> allocations,
                          std::span<const Patch> patches);
  // Until the context's fence has at least `value`. QUEUE_FAULTED, DEVICE_TIMEOUT.
  Result<void> WaitFence(DeviceHandle device, ContextHandle context, uint64_t value);

  // Sets the output's mode (one of its list) and switches it on.
  Result<void> SetMode(uint32_t output, uint32_t width, uint32_t height);
  // Shows an allocation (XRGB8888, visible or protected VRAM) when all that `context` has submitted
  // is done. Its AllocationData said the same width, height and pitch, and they are the mode's;
  // else INVALID_ARGUMENT, as for an interval above 4 or on a device without vblanks. QUEUE_FAULTED
  // and DEVICE_TIMEOUT of the context's queue.
  Result<void> Present(DeviceHandle device, ContextHandle context, AllocationHandle allocation,
                       uint32_t width, uint32_t height, uint32_t pitch,
                       const Presentation& presentation);
  // What is connected to the outputs, vblanks and cursors. Good as long as the adapter.
  Display& display();

  // Output protection (DXGK_OPM_INTERFACE). Good as long as the adapter.
  ProtectedOutputs& protected_outputs();

  // Time-out detection and recovery. CheckHealth reads registers and changes nothing. Recover does
  // what is needed, in WDDM's order: a hung context's queue is reset, then all engines, then the
  // adapter, which brings itself up again; so it does after a reset from outside. A device whose
  // work hung is lost (DEVICE_HUNG), after a reset of the adapter every device is (DEVICE_RESET):
  // its calls answer so, but Lock, Unlock, Free, DestroyContext and DestroyDevice work, and memory
  // that is not protected keeps its content. New devices work. A fault, DEVICE_GONE for one, means
  // that the adapter could not be brought up, and Recover may be tried again.
  AdapterHealth CheckHealth() const;
  // Why the device is lost: DEVICE_HUNG, DEVICE_RESET; OK while it is not, or there is none.
  uint32_t LossOf(DeviceHandle device) const;
  Result<RecoveryReport> Recover();

  // State of the context's queue (pfnEscapeCb).
  Result<abi::QueueReport> Report(DeviceHandle device, ContextHandle context);

 private:
  class Implementation;
  explicit Adapter(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_ADAPTER_H_
