// Which allocations of visible VRAM lie there and which in system memory meanwhile. Makes room by
// moving the least recently used ones out, and brings back what is about to be used. Protected
// memory is not pageable and never comes here.
#ifndef WARD_KMD_RESIDENCY_H_
#define WARD_KMD_RESIDENCY_H_

#include <cstdint>
#include <list>

#include "base/result.h"
#include "kmd/allocation.h"
#include "kmd/display.h"
#include "kmd/kernel_queue.h"
#include "kmd/video_memory.h"

namespace ward::kmd {

class Residency final : public VideoMemory::Reclaimer {
 public:
  // What it did since the adapter was opened.
  struct Counts {
    uint64_t moved_out = 0;
    uint64_t moved_in = 0;
    uint64_t given_up = 0;  // contents of offered allocations
  };

  Residency(VideoMemory* memory, KernelQueue* kernel_queue, Display* display)
      : memory_(memory), kernel_queue_(kernel_queue), display_(display) {
    memory_->SetReclaimer(this);
  }
  ~Residency() { memory_->SetReclaimer(nullptr); }
  Residency(const Residency&) = delete;
  Residency& operator=(const Residency&) = delete;

  // An allocation whose home is visible VRAM, from its mapping to its end.
  void Add(Allocation* allocation);
  void Remove(Allocation* allocation);
  // It was used, and is the last that moves out from now on.
  void Touch(Allocation* allocation);
  // It is the first that moves out from now on.
  void Neglect(Allocation* allocation);

  // Brings it into visible VRAM, with its content; one whose content was given up gets zeros. One
  // that is locked stays where it is: its pages are the CPU's, and the GPU reaches them there.
  // OUT_OF_MEMORY when what may move does not make room; the kernel queue's faults.
  Result<void> Bring(Allocation* allocation);

  // Moves it to system memory where the CPU does not reach visible VRAM. No submission uses it any
  // more. LOCK_REFUSED for what can't move; else as Bring.
  Result<void> BringToCpu(Allocation* allocation);

  // VideoMemory asks for room in visible VRAM.
  Result<void> MakeRoom() override;

  const Counts& counts() const { return counts_; }

 private:
  bool MayMove(const Allocation& allocation) const;
  // Moves it to system memory, or gives up its content if it is offered.
  Result<void> GiveRoom(Allocation* allocation);
  // The list that holds its turn.
  std::list<Allocation*>& TurnsOf(const Allocation& allocation);
  // The content goes along; the device may still be reading the old place until it is unmapped.
  Result<void> MoveTo(Allocation* allocation, MemoryBlock place);

  VideoMemory* memory_;
  KernelQueue* kernel_queue_;
  Display* display_;
  std::list<Allocation*> turns_;  // in visible VRAM, the least recently used first
  std::list<Allocation*> away_;   // in system memory, or nowhere
  Counts counts_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_RESIDENCY_H_
