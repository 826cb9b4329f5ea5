// Fetches, checks and dispatches the commands of all queues, in slices. Guest mistakes become a
// fault record or a refusal in one place here (Conclude).
#ifndef WARD_DEVICE_COMMAND_PROCESSOR_H_
#define WARD_DEVICE_COMMAND_PROCESSOR_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/generated/commands.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "base/trace.h"
#include "device/address_space.h"
#include "device/command_ring.h"
#include "device/context_table.h"
#include "device/copy_engine.h"
#include "device/crypto_engine.h"
#include "device/display.h"
#include "device/gpu.h"
#include "device/grant_table.h"
#include "device/interrupts.h"
#include "device/load_extent.h"
#include "device/memory.h"
#include "device/queue_execution.h"
#include "device/queue_scheduler.h"
#include "device/register_file.h"
#include "device/security_processor.h"
#include "device/state_hasher.h"
#include "device/video_engine.h"

namespace ward::device {

// What the processor drives; all outlive it.
struct CommandBlocks {
  RegisterFile* registers;
  Memory* memory;
  ContextTable* contexts;
  GrantTable* grants;
  SecurityProcessor* security;
  Interrupts* interrupts;
  Display* display;
  CopyEngine* copy;
  CryptoEngine* crypto;
  VideoEngine* video;
  ClockPort* clock;
  TraceSink* trace;
  LatencyPreset latency = LatencyPreset::kFast;
  uint64_t engine_hang_after = 0;  // GpuOptions
};

class CommandProcessor {
 public:
  static constexpr uint32_t kQueueCount = abi::kQueueBlockCount;
  // Least cost of a command, in bytes of budget; more when it translated, read or wrote more.
  static constexpr uint64_t kCommandCost = 256;
  // Most that a transfer moves before another queue that can get on has its turn.
  static constexpr uint64_t kTurnBytes = 64 << 10;

  explicit CommandProcessor(const CommandBlocks& blocks);

  // QUEUE_CONTROL: enable, disable, reset, and where ring and fence lie.
  void WriteControl(uint32_t queue, uint32_t value);
  // The other configuration registers of a queue: ignored unless it is disabled and at rest.
  bool ConfigurationIsOpen(uint32_t queue) const;
  void RingDoorbell(uint32_t queue, uint32_t tail);
  uint32_t QueueStatus(uint32_t queue) const;  // the register
  uint64_t WorkOf(uint32_t queue) const { return scheduler_.WorkOf(queue); }

  // One slice of turns (QueueScheduler). A WAIT on memory is polled when its queue would have its
  // turn, and again after any queue got on; when all that is left waits on memory that only the
  // guest can write, `more` is false and the next call polls again: a host calls after a doorbell
  // and from time to time. wakeup_ns is the next answer of the firmware, or the next queue that
  // will have hung.
  ProcessResult Process(uint64_t budget_bytes);

  // DEVICE_CONTROL.RESET_ENGINES: every command in progress ends with ENGINE_RESET.
  void ResetEngines();
  void Reset();  // nothing in progress; registers are the register file's business

  struct State {
    std::array<QueueExecution, kQueueCount> queues = {};
    uint64_t last_ticket = 0;  // of the mailbox
    QueueScheduler::State scheduler;
    uint64_t engine_jobs = 0;  // that began since power-on

    WARD_STATE_FIELDS(queues, last_ticket, scheduler, engine_jobs)
  };
  State Save() const;
  void Load(const State& state, LoadExtent extent = LoadExtent::kAll);
  // Whether a saved state is one that this processor could be in, with the rest of the chip as it
  // is in that state.
  struct Surroundings {
    RegisterFile* registers;
    const ContextTable* contexts;
    const SecurityProcessor::State* security;
  };
  bool CanLoad(const State& state, const Surroundings& surroundings) const;
  // What a load with keys may not go on with (CryptoEngine::RestartEncryption).
  void RestartEncryption();
  void Hash(StateHasher* hasher) const;

 private:
  // A command of checked length in the chip's own memory, until the next one is fetched.
  struct Fetched {
    const abi::CommandInfo* info = nullptr;
    ConstByteSpan bytes;
    template <typename T>
    T As() const {
      T value;
      WARD_ASSERT(bytes.size() >= sizeof(value));
      std::memcpy(&value, bytes.data(), sizeof(value));
      return value;
    }
  };

  static constexpr uint32_t kAllQueues = (1u << kQueueCount) - 1;
  static constexpr uint32_t At(uint32_t queue, uint32_t offset) {
    return offset + queue * abi::kQueueBlockStride;
  }
  bool Faulted(uint32_t queue) const { return rings_[queue].faulted(); }
  bool HasWork(uint32_t queue) const;  // a command to fetch
  // At a command border, with nothing to fetch.
  bool IsAtRest(uint32_t queue) const {
    return state_.queues[queue].phase == QueueExecution::Phase::kNone && !HasWork(queue);
  }
  bool CanGoOn(uint32_t queue) const;  // without anything from outside
  bool WaitsOnMemory(uint32_t queue) const;
  // Makes no progress of its own, and may never again.
  bool MayHang(uint32_t queue) const;
  bool IsNextForMailbox(uint32_t queue) const;
  uint32_t QueueState(uint32_t queue) const;  // QUEUE_STATUS.STATE
  // When a queue's WAIT_VBLANK is over; 0: it is, or the queue has none.
  uint64_t VblankTime(uint32_t queue) const;
  void Disable(uint32_t queue);

  // One queue gets on, unless none can; `left` is what the slice has left.
  bool TakeTurn(uint64_t left);
  // Bit n: queue n has work, whether or not it can go on now.
  uint32_t ActiveQueues() const;
  // Whether no other queue has work, waits included: it may use what is left of the slice then.
  bool IsAlone(uint32_t queue) const;
  // Reports the queues that made no progress for their QUEUE_TIMEOUT.
  void ReportHangs();
  // Virtual time at which the queue will have hung; UINT64_MAX when it won't, or was reported.
  uint64_t HangsAtNs(uint32_t queue) const;
  uint64_t FindWakeup() const;

  // Each says whether the queue got on. What it cost is on the memory's meter (Memory::work).
  bool Visit(uint32_t queue, uint64_t budget);
  bool RunCommand(uint32_t queue, uint64_t budget);
  void FinishJob(uint32_t queue);
  bool PollEngineTime(uint32_t queue);
  bool StepJob(uint32_t queue, uint64_t budget);
  bool PollWait(uint32_t queue);
  Result<bool> WaitIsOver(uint32_t queue) const;
  bool PollInvalidate(uint32_t queue);
  bool PollVblank(uint32_t queue);
  bool SubmitMessage(uint32_t queue);
  bool TakeAnswer(uint32_t queue);

  Result<Fetched> FetchNext(uint32_t queue);
  // Bytes of the next command, each of which is fetched once: where they were read ahead, or at
  // `offset` of fetch_buffer_.
  Result<const uint8_t*> FetchBytes(uint32_t queue, uint32_t offset, uint32_t size_bytes) {
    if (const uint8_t* ahead = FindAhead(queue, offset, size_bytes)) return ahead;
    return FetchApart(queue, offset, ByteSpan(fetch_buffer_).subspan(offset, size_bytes));
  }
  // Null: they do not stand in the ring, or are to be fetched from it by themselves.
  const uint8_t* FindAhead(uint32_t queue, uint32_t offset, uint32_t size_bytes);
  Result<const uint8_t*> FetchApart(uint32_t queue, uint32_t offset, ByteSpan buffer);
  void Skip(uint32_t queue, uint32_t length);

  // Executes it or begins it (phase); nothing has happened when it returns a fault.
  Result<void> Execute(uint32_t queue, const Fetched& command);
  Result<void> ExecuteEngine(uint32_t queue, const Fetched& command);
  Result<void> ExecuteFence(uint32_t queue, const abi::FenceCommand& command);
  Result<void> ExecuteWait(uint32_t queue, const abi::WaitCommand& command);
  Result<void> ExecuteIndirect(uint32_t queue, const abi::IndirectBufferCommand& command);
  Result<void> ExecuteFlip(const abi::FlipCommand& command);
  Result<void> ExecuteCursor(const abi::CursorCommand& command);
  Result<void> ExecuteWaitVblank(uint32_t queue, const abi::WaitVblankCommand& command);
  Result<void> ExecuteMessage(uint32_t queue, const Fetched& command);
  Result<void> ExecuteContextDestroy(const abi::ContextDestroyCommand& command);
  Result<void> ExecuteInvalidate(uint32_t queue, const abi::InvalidateCommand& command);
  Result<void> BeginJob(const Fetched& command, const AddressSpace& space, EngineJob* job);
  Result<bool> StepEngine(EngineJob* job, uint64_t budget);
  Result<void> CheckDataMayMove() const;
  bool CanResume(const QueueExecution& execution) const;
  bool CanResume(const EngineJob& job) const;

  // The one place where an outcome becomes a status: a fault stops the queue with a record, a
  // refusal is counted and the queue goes on.
  void Conclude(uint32_t queue, const Result<void>& outcome);
  void Refuse(uint32_t queue, const Fault& fault);
  void Stop(uint32_t queue, const Fault& fault, const CommandInProgress& command);
  void Finish(uint32_t queue);  // the command in progress is over
  void DropExecution(uint32_t queue);
  // An INVALIDATE has one queue less to wait for.
  void StopAwaiting(uint32_t queue);
  void MarkChanged(uint32_t queue) { changed_ |= 1u << queue; }
  void Wake(uint32_t queue) {
    awake_ |= 1u << queue;
    MarkChanged(queue);
  }
  void ResetQueue(uint32_t queue);

  CommandBlocks blocks_;
  std::vector<CommandRing> rings_;
  State state_;  // what is the scheduler's is in it only while saved
  QueueScheduler scheduler_;
  // Bit n: queue n may have something to do. A queue that was looked at in vain at a command border
  // sleeps until a doorbell or its control register wakes it. Follows from the state.
  uint32_t awake_ = kAllQueues;
  // Bit n: an INVALIDATE may wait for queue n. A queue that none waits for looks at no other's
  // execution when its command ends. Follows from the state.
  uint32_t awaited_ = kAllQueues;
  // Both of them, of what was loaded last.
  uint32_t loaded_awake_ = kAllQueues;
  uint32_t loaded_awaited_ = kAllQueues;
  // Bit n: the execution of queue n may not be what was loaded last.
  uint32_t changed_ = kAllQueues;
  std::vector<uint8_t> fetch_buffer_;  // of the command being decoded; no state between slices
  // Bytes of each queue's ring that were read together, each of them once in a slice: however
  // queues take turns, no more is read than commands are made of. No state between slices.
  struct ReadAhead {
    bool failed = false;  // some of what is ahead can't be read: commands are fetched by themselves
    uint32_t position = 0;  // of the first one in the ring
    uint32_t size_bytes = 0;
    std::array<uint8_t, abi::kPageSize> bytes;

    bool Holds(uint32_t from, uint64_t count) const {
      return from >= position && RangeFits(from - position, count, size_bytes);
    }
  };
  std::vector<ReadAhead> ahead_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_COMMAND_PROCESSOR_H_
