// The kernel's queue: privileged commands, one at a time, each waited for. A queue that faults is
// started again, so that one refused command does not cost the adapter. A function that was reset
// behind the driver's back is DEVICE_GONE at once, and stays so until it is opened again.
#ifndef WARD_KMD_KERNEL_QUEUE_H_
#define WARD_KMD_KERNEL_QUEUE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "abi/generated/commands.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kmd/dma_memory.h"
#include "kmd/limits.h"
#include "kmd/queue.h"

namespace ward::kmd {

class KernelQueue {
 public:
  static Result<std::unique_ptr<KernelQueue>> Create(const RegisterWindow* registers,
                                                     InterruptLine* interrupts,
                                                     const Limits& limits);

  Result<void> CreateContext(uint32_t context, uint64_t page_table_root);
  Result<void> DestroyContext(uint32_t context);
  // Drops the device's translations of [address, address + size_bytes) in a context.
  Result<void> Invalidate(uint32_t context, uint64_t address, uint64_t size_bytes);
  // Makes whole pages of protected VRAM, from a local address on, zeros that are nobody's.
  // DEVICE_IN_ERROR_STATE when the device refuses.
  Result<void> Clear(uint64_t local_address, uint64_t size_bytes);
  // Copies whole pages between physical addresses (abi::kPhysicalLocal), none of them protected.
  // DEVICE_IN_ERROR_STATE when the device refuses.
  Result<void> Copy(uint64_t destination, uint64_t source, uint64_t size_bytes);
  // Until the surface is shown, also with AT_VBLANK. `begin_at`: the output's vblank count before
  // which the device does not look at the flip. SCANOUT_REFUSED when the device's policy does not
  // allow it.
  Result<void> Flip(const abi::FlipCommand& command, std::optional<uint32_t> begin_at = {});
  // SCANOUT_REFUSED likewise.
  Result<void> SetCursor(const abi::CursorCommand& command);
  // A security message: `answer` receives what follows the response's header, and the response has
  // that size. A fault has the status that the message was answered with. INVALID_ARGUMENT for a
  // payload above kMaximumPayloadBytes or an answer above kMaximumAnswerBytes; DEVICE_GONE for a
  // response that is none.
  Result<void> Send(uint32_t message, ConstByteSpan payload, ByteSpan answer);
  static constexpr uint32_t kMaximumPayloadBytes = 6144;
  static constexpr uint32_t kMaximumAnswerBytes = 8192 - 16;

  // From now on every command answers DEVICE_GONE at once: the function was reset or given up.
  void Abandon() { lost_ = true; }
  // Whether that is so; looks whether the function was reset meanwhile.
  bool IsLost() const { return lost_ || queue_->WasReset(); }
  // After the function was brought up again.
  Result<void> Revive();

 private:
  KernelQueue(std::unique_ptr<Queue> queue, abi::PciFunction* function)
      : queue_(std::move(queue)), function_(function) {}
  Result<void> Execute(ConstByteSpan command);
  void NoticeReset();
  // SCANOUT_REFUSED, with the reason, when the device refused a command.
  Result<void> ExecuteForScreen(ConstByteSpan commands, const char* reason);

  Result<void> TakeAnswer(uint32_t message, ByteSpan answer) const;

  DmaMemory response_;  // made with the first message; freed after the queue stopped
  std::unique_ptr<Queue> queue_;
  abi::PciFunction* function_;
  bool lost_ = false;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_KERNEL_QUEUE_H_
