// One client of a served chip: the vfio-user protocol, from its first message to its last. The
// chip's work and the client's messages share one thread, so no lock is held anywhere.
//
// While the chip waits for memory that it reaches by messages, other requests arrive, and some
// can't wait: QEMU answers DMA only when its own register access is answered. Then
//   * what touches neither registers nor configuration is done at once;
//   * writes of these are acknowledged, and done after the slice, in their order; reads of
//     configuration wait for writes before them;
//   * register reads wait for the end of the slice, which a client that answers DMA meanwhile does
//     not notice. One that leaves the first such request unanswered for kReadPatienceMs can't (QEMU
//     without shared memory): it gets what the registers say amid the slice (RegisterShadow), from
//     then on at once;
//   * a reset of the function, and bus mastering switched off, end the slice: what it still wants
//     from memory is refused. A reset of the engines or of a queue waits for the end of the slice.
#ifndef WARD_EMULATOR_VFIO_USER_CLIENT_SESSION_H_
#define WARD_EMULATOR_VFIO_USER_CLIENT_SESSION_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "device/gpu.h"
#include "emulator/vfio_user/client_memory.h"
#include "emulator/vfio_user/message_stream.h"
#include "emulator/vfio_user/register_shadow.h"
#include "emulator/vfio_user/served_gpu.h"
#include "emulator/vfio_user/vector_events.h"

namespace ward::emulator {

struct SessionOptions {
  bool carries_descriptors = true;  // false over TCP
  int dma_timeout_ms = 1000;        // a client that leaves a DMA request unanswered is given up
  // Readable when the server wants to end; a session waits for nothing then. -1: never.
  int stop_descriptor = -1;
};

class ClientSession final : public ClientPort {
 public:
  // `gpu` has no client; it is detached when the session dies. Over at once when there is no memory
  // for visible VRAM.
  ClientSession(FileDescriptor socket, ServedGpu* gpu, const SessionOptions& options);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  int socket() const { return stream_.socket(); }
  // Handles what has arrived, some messages at most. True when there may be more at once.
  bool HandleInput();
  void Flush();
  // Whether more should be read: not from a client that does not read itself.
  bool WantsInput() const;
  bool WantsOutput() const { return stream_.waiting_bytes() > 0; }
  // One slice of the chip's work.
  device::ProcessResult Work();
  // Whether the client's first message has come and was understood.
  bool IsAgreed() const { return agreed_; }

  bool IsOver() const { return over_; }
  // Why it is over, for people; empty when the client has closed in good order.
  const std::string& reason() const { return reason_; }
  // One line for people about what happened, bounded whatever the client did.
  std::string Summary() const;

  // ClientPort.
  bool ReadDma(uint64_t bus_address, ByteSpan destination) override;
  bool WriteDma(uint64_t bus_address, ConstByteSpan source) override;
  bool WriteDmaAtomic64(uint64_t bus_address, uint64_t value) override;
  void FireVector(uint32_t vector) override;
  uint32_t PendingVectors() override { return events_.pending(); }
  void OnBusMaster(bool enabled) override;
  void OnFunctionReset() override { events_.DropPending(); }

  static constexpr int kReadPatienceMs = 10;
  // With a client that was seen to answer.
  static constexpr int kReadTrustMs = 200;

  struct Counts {
    uint64_t messages = 0;
    uint64_t refused = 0;       // answered with an error
    uint64_t dma_messages = 0;  // asked of the client
    uint64_t dma_refused = 0;   // accesses of the chip that the client's memory does not allow
    uint64_t shadow_reads = 0;  // answered amid a slice
  };
  const Counts& counts() const { return counts_; }

 private:
  // A request that waits for the end of a slice.
  struct Deferred {
    Message message;
    bool is_answered;
    bool clears_causes = false;  // those that have not come again since it was answered
  };
  void End(std::string reason);
  void Handle(Message message, bool is_answered);
  // What can be done amid a slice; the rest is deferred.
  void HandleAmidSlice(Message message);
  void DoDeferred();
  void DeferWrite(Message message, const abi::vfio_user::RegionAccess& access);
  // Answers the register reads that wait, if the client can't wait longer.
  void AnswerHeldReads();
  bool AnswerFromShadow(const Message& message);

  // Requests. Each returns an errno, 0 when it has replied itself.
  int Dispatch(Message* message, bool is_answered);
  int OnVersion(const Message& message);
  int OnDmaMap(Message* message);
  int OnDmaUnmap(const Message& message);
  int OnGetInfo(const Message& message);
  int OnGetRegionInfo(const Message& message);
  int OnGetIrqInfo(const Message& message);
  int OnSetIrqs(Message* message);
  int SetMsix(const abi::vfio_user::IrqSet& request, Message* message);
  int OnRegionRead(const Message& message);
  int OnRegionWrite(const Message& message, bool is_answered);

  // The access of a kRegionRead or kRegionWrite; an errno when it is not one.
  int ReadAccess(const Message& message, abi::vfio_user::RegionAccess* access) const;
  void Reply(const Message& message, ConstByteSpan body, const std::vector<int>& descriptors = {});
  void ReplyError(const Message& message, int error);

  // One message of at most the agreed size; false when it was refused or the session is over.
  bool TransferByMessage(abi::vfio_user::Command command, uint64_t address, ByteSpan read,
                         ConstByteSpan written);
  bool AwaitReply(uint16_t id, Message* reply);
  // Handles one message, if there is one to be had: true then.
  bool ReadAmidSlice();
  // Does not read what it was sent: memory for more is not to be had.
  bool IsBehind() const;
  void SendInterrupts();
  // After each access of events_ that may have fired one.
  void EndIfHeldUp();
  bool ReachMemory(uint64_t address, uint64_t size, uint32_t right);

  ServedGpu* gpu_;
  const SessionOptions options_;
  MessageStream stream_;
  ClientMemory memory_;
  VectorEvents events_;
  FileDescriptor error_event_;  // held for the client; nothing of ours is so wrong as to fire it
  bool agreed_ = false;
  bool attached_ = false;
  bool over_ = false;
  bool sends_interrupts_ = false;  // by message
  bool bus_master_ = false;
  uint64_t transfer_bytes_ = abi::vfio_user::kDefaultTransferBytes;
  std::string reason_;
  Counts counts_;

  uint16_t next_id_ = 1;
  bool in_slice_ = false;
  bool abandons_slice_ = false;
  bool defers_reset_ = false;  // by DEVICE_CONTROL: it raises causes at the end of the slice
  // Whether the client answers DMA while its own read is not answered.
  enum class Patience { kUnknown, kWaits, kCannotWait };
  Patience patience_ = Patience::kUnknown;
  bool asks_while_read_waits_ = false;  // the DMA request on its way came after a read that waits
  RegisterShadow shadow_;
  bool awaits_ = false;  // a reply, of awaited_id_
  uint16_t awaited_id_ = 0;
  bool has_reply_ = false;
  Message reply_;
  std::deque<Deferred> deferred_;
  uint64_t held_read_since_ns_ = 0;  // 0: none waits
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_CLIENT_SESSION_H_
