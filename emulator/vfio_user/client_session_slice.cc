// The part of a session that works: a slice of the chip, what other requests may do amid it, and
// the client's memory, by mapping and by message.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "emulator/vfio_user/client_session.h"
#include "emulator/vfio_user/mapped_file.h"
#include "emulator/vfio_user/message_body.h"
#include "emulator/vfio_user/planted_bug.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr size_t kMaximumDeferred = 4096;
constexpr uint64_t kNanosecondsPerMillisecond = 1000000;

}  // namespace

device::ProcessResult ClientSession::Work() {
  if (over_) return {};
  WARD_ASSERT(!in_slice_);
  in_slice_ = true;
  device::ProcessResult result = gpu_->Process();
  in_slice_ = false;
  abandons_slice_ = over_;
  if (!deferred_.empty()) result.more = true;  // what they begin
  defers_reset_ = false;
  DoDeferred();
  shadow_.Drop();
  if (stream_.IsBroken()) End(stream_.trouble());
  return result;
}

void ClientSession::DoDeferred() {
  held_read_since_ns_ = 0;
  while (!deferred_.empty() && !over_) {
    Deferred next = std::move(deferred_.front());
    deferred_.pop_front();
    if (next.clears_causes) {
      uint8_t* value = next.message.body.data() + sizeof(wire::RegionAccess);
      StoreLe(value, LoadLe<uint32_t>(value) & shadow_.cleared_causes());
    }
    Handle(std::move(next.message), next.is_answered);
  }
}

void ClientSession::HandleAmidSlice(Message message) {
  // What will be refused is refused at once: neither its effect nor its descriptors wait.
  if (!IsWellFormed(message) || !message.descriptors.empty()) {
    return Handle(std::move(message), false);
  }
  const Command command = message.header.command;
  if (command == Command::kReset) {
    if (!message.body.empty()) return Handle(std::move(message), false);
    abandons_slice_ = true;
    deferred_.push_back({std::move(message), false});
    return;
  }
  wire::RegionAccess access{};
  const bool is_access = command == Command::kRegionRead || command == Command::kRegionWrite;
  if (!is_access || ReadAccess(message, &access) != 0) {
    return Handle(std::move(message), false);
  }
  if (access.region == abi::kVramBar) return Handle(std::move(message), false);
  if (access.region == wire::kConfigRegion && command == Command::kRegionWrite) {
    const ConstByteSpan data = ConstByteSpan(message.body).subspan(sizeof(access));
    // It resets the function or takes bus mastering away.
    if (gpu_->EndsSlice(access.offset, data)) {
      abandons_slice_ = true;
      deferred_.push_back({std::move(message), false});
      return;
    }
  }
  if (command == Command::kRegionWrite) return DeferWrite(std::move(message), access);
  // Config space and BAR4 can be read at any time, but not before what was written to them.
  if (access.region != abi::kRegisterBar && deferred_.empty()) {
    return Handle(std::move(message), false);
  }
  if (held_read_since_ns_ == 0) held_read_since_ns_ = gpu_->NowNs();
  deferred_.push_back({std::move(message), false});
}

void ClientSession::DeferWrite(Message message, const wire::RegionAccess& access) {
  bool clears_causes = false;
  if (access.region == abi::kRegisterBar && access.count == 4) {
    const uint32_t value = LoadLe<uint32_t>(message.body.data() + sizeof(access));
    shadow_.Write(access.offset, value);
    // What a reset causes comes before a clearing behind it, and goes.
    clears_causes = access.offset == abi::kRegInterruptCause && !defers_reset_;
    if (access.offset == abi::kRegDeviceControl && value != 0) defers_reset_ = true;
    // What the function wanted from memory is of no use after its reset. A reset of the engines
    // alone comes between two accesses: a command that it ends was not refused its memory, and says
    // ENGINE_RESET.
    if (access.offset == abi::kRegDeviceControl &&
        (value & abi::kDeviceControlResetFunctionMask) != 0) {
      abandons_slice_ = true;
    }
  }
  Reply(message, Bytes(access));
  deferred_.push_back({std::move(message), true, clears_causes});
}

void ClientSession::AnswerHeldReads() {
  if (held_read_since_ns_ == 0) return;
  const uint64_t waited = gpu_->NowNs() - held_read_since_ns_;
  const int patience_ms = patience_ == Patience::kUnknown ? kReadPatienceMs
                          : patience_ == Patience::kWaits ? kReadTrustMs
                                                          : 0;
  if (waited < static_cast<uint64_t>(patience_ms) * kNanosecondsPerMillisecond) return;
  patience_ = Patience::kCannotWait;
  held_read_since_ns_ = 0;
  std::erase_if(deferred_, [this](const Deferred& next) { return AnswerFromShadow(next.message); });
}

bool ClientSession::AnswerFromShadow(const Message& message) {
  wire::RegionAccess access{};
  if (message.header.command != Command::kRegionRead || !Load(message, &access)) return false;
  ++counts_.messages;
  ++counts_.shadow_reads;
  std::vector<uint8_t> body(sizeof(access) + access.count);
  std::memcpy(body.data(), &access, sizeof(access));
  const ByteSpan data = ByteSpan(body).subspan(sizeof(access));
  if (access.region != abi::kRegisterBar) {
    gpu_->Read(access.region, access.offset, data);
  } else if (access.count == sizeof(uint32_t) && access.offset % 4 == 0) {
    StoreLe(data.data(), shadow_.Read(access.offset));
  }
  Reply(message, body);
  return true;
}

bool ClientSession::ReachMemory(uint64_t address, uint64_t size, uint32_t right) {
  if (!abandons_slice_ && !over_ && memory_.Allows(address, size, right)) return true;
  ++counts_.dma_refused;
  return false;
}

bool ClientSession::ReadDma(uint64_t bus_address, ByteSpan destination) {
  if (!ReachMemory(bus_address, destination.size(), wire::kDmaReadable)) return false;
  while (!destination.empty()) {
    // Asked anew for each piece: a message may have taken a window away.
    const ClientMemory::Piece piece = memory_.Find(bus_address, destination.size());
    if (piece.size == 0) return false;
    uint64_t size = piece.size;
    if (piece.memory != nullptr) {
      std::memcpy(destination.data(), piece.memory, size);
      if (piece.file->IsCut()) return false;
    } else {
      size = std::min(size, transfer_bytes_);
      if (!TransferByMessage(Command::kDmaRead, bus_address, destination.first(size), {})) {
        return false;
      }
    }
    destination = destination.subspan(size);
    bus_address += size;
  }
  return true;
}

bool ClientSession::WriteDma(uint64_t bus_address, ConstByteSpan source) {
  if (!ReachMemory(bus_address, source.size(), wire::kDmaWritable)) return false;
  while (!source.empty()) {
    const ClientMemory::Piece piece = memory_.Find(bus_address, source.size());
    if (piece.size == 0) return false;
    uint64_t size = piece.size;
    if (piece.memory != nullptr) {
      std::memcpy(piece.memory, source.data(), size);
      if (piece.file->IsCut()) return false;
    } else {
      size = std::min(size, transfer_bytes_);
      if (!TransferByMessage(Command::kDmaWrite, bus_address, {}, source.first(size))) return false;
    }
    source = source.subspan(size);
    bus_address += size;
  }
  return true;
}

bool ClientSession::WriteDmaAtomic64(uint64_t bus_address, uint64_t value) {
  uint8_t bytes[sizeof(value)];
  StoreLe(bytes, value);
  if (!ReachMemory(bus_address, sizeof(value), wire::kDmaWritable)) return false;
  const ClientMemory::Piece piece = memory_.Find(bus_address, sizeof(value));
  // A window may begin anywhere in its file; only an aligned place can be stored to at once.
  const bool is_aligned = reinterpret_cast<uintptr_t>(piece.memory) % sizeof(value) == 0;
  if (piece.memory == nullptr || piece.size != sizeof(value) || !is_aligned) {
    return WriteDma(bus_address, bytes);
  }
  std::memcpy(&value, bytes, sizeof(value));
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(piece.memory))
      .store(value, std::memory_order_release);
  return !piece.file->IsCut();
}

bool ClientSession::TransferByMessage(Command command, uint64_t address, ByteSpan read,
                                      ConstByteSpan written) {
  const wire::DmaAccess access = {address, read.size() + written.size()};
  std::vector<uint8_t> body(sizeof(access) + written.size());
  std::memcpy(body.data(), &access, sizeof(access));
  if (!written.empty()) std::memcpy(body.data() + sizeof(access), written.data(), written.size());
  const uint16_t id = next_id_++;
  ++counts_.dma_messages;
  asks_while_read_waits_ = held_read_since_ns_ != 0;
  const auto size = static_cast<uint32_t>(sizeof(wire::Header) + body.size());
  stream_.Send({id, command, size, wire::kTypeRequest, 0}, body);
  Message reply;
  if (!AwaitReply(id, &reply)) return false;
  if ((reply.header.flags & wire::kError) != 0) return false;
  wire::DmaAccess answered{};
  const bool fits = reply.header.command == command &&
                    reply.body.size() == sizeof(answered) + read.size() && Load(reply, &answered) &&
                    answered.address == access.address && answered.count == access.count;
  if (!fits) {
    End("it answered a DMA request with something else");
    return false;
  }
  if (!read.empty()) std::memcpy(read.data(), reply.body.data() + sizeof(answered), read.size());
  return true;
}

bool ClientSession::ReadAmidSlice() {
  if (!WantsInput()) return false;
  Message message;
  switch (stream_.Read(&message)) {
    case MessageStream::Input::kMessage:
      HandleAmidSlice(std::move(message));
      if (deferred_.size() > kMaximumDeferred) End("it sends more than it can have done");
      return true;
    case MessageStream::Input::kNothing:
      break;
    case MessageStream::Input::kEnd:
      End("");
      break;
    case MessageStream::Input::kBroken:
      End(stream_.trouble());
      break;
  }
  if (stream_.IsBroken()) End(stream_.trouble());
  return false;
}

bool ClientSession::AwaitReply(uint16_t id, Message* reply) {
  WARD_ASSERT(!awaits_);
  awaits_ = true;
  awaited_id_ = id;
  has_reply_ = false;
  const uint64_t deadline =
      gpu_->NowNs() + static_cast<uint64_t>(options_.dma_timeout_ms) * kNanosecondsPerMillisecond;
  int wait_ms = 0;
  while (!has_reply_ && !abandons_slice_) {
    // Asked at each turn: a client that sends on and on must not keep us from the end.
    if (stream_.Wait(WantsInput(), options_.stop_descriptor, wait_ms)) End("the server ends");
    const bool got_message = ReadAmidSlice();
    if (has_reply_) break;
    AnswerHeldReads();
    if (gpu_->NowNs() >= deadline && !WARD_HAS_BUG("dma.no_deadline")) {
      End(fmt::format("it left a DMA request unanswered for {} ms", options_.dma_timeout_ms));
    }
    wait_ms = got_message ? 0 : held_read_since_ns_ != 0 ? 1 : 50;
  }
  awaits_ = false;
  if (!has_reply_) return false;
  *reply = std::exchange(reply_, {});
  has_reply_ = false;
  return true;
}

}  // namespace ward::emulator
