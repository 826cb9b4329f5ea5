// A driver of the kernel's queue over the wire, and the memory that it shares with the chip.
#ifndef WARD_TESTS_UNIT_VFIO_USER_TEST_DRIVER_H_
#define WARD_TESTS_UNIT_VFIO_USER_TEST_DRIVER_H_

#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/unit/vfio_user/wire_client.h"

namespace ward::test {

// A memory file of the client's and a mapping of it.
class ClientRam {
 public:
  explicit ClientRam(uint64_t size, uint64_t bus = 0x10000000)
      : bus_(bus), size_(size), file_(memfd_create("client-ram", MFD_CLOEXEC)) {
    if (ftruncate(file_.get(), static_cast<off_t>(size)) != 0) throw std::runtime_error("no file");
    memory_ = static_cast<uint8_t*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0));
    if (memory_ == MAP_FAILED) throw std::runtime_error("no memory");
  }
  ~ClientRam() { munmap(memory_, size_); }
  ClientRam(const ClientRam&) = delete;
  ClientRam& operator=(const ClientRam&) = delete;

  int descriptor() const { return file_.get(); }
  uint64_t bus() const { return bus_; }
  uint64_t size() const { return size_; }
  // Null outside.
  uint8_t* Find(uint64_t address, uint64_t size) {
    if (address < bus_ || !RangeFits(address - bus_, size, size_)) return nullptr;
    return memory_ + (address - bus_);
  }
  template <typename T>
  T Load(uint64_t address) {
    T value;
    std::memcpy(&value, Find(address, sizeof(T)), sizeof(T));
    return value;
  }
  template <typename T>
  void Store(uint64_t address, const T& value) {
    std::memcpy(Find(address, sizeof(T)), &value, sizeof(T));
  }
  // Has the client answer DMA requests from here.
  void ServeTo(WireClient* client) {
    client->memory = [this](uint64_t address, uint64_t size) { return Find(address, size); };
  }

 private:
  uint64_t bus_, size_;
  FileDescriptor file_;
  uint8_t* memory_;
};

// Ring and fence lie at the beginning of the memory; from kData on it is the test's.
class TestDriver {
 public:
  static constexpr uint64_t kFence = 0x1000;
  static constexpr uint64_t kData = 0x2000;
  static constexpr uint32_t kRingBytes = 4096;

  TestDriver(WireClient* client, ClientRam* ram) : client_(client), ram_(ram) {}

  void StartQueue(uint64_t ring = 0) {
    ring_ = ring == 0 ? ram_->bus() : ring;
    tail_ = 0;
    client_->SetRegister(abi::kRegQueueControl, abi::kQueueControlResetMask);
    client_->SetRegister(abi::kRegRingBaseLo, static_cast<uint32_t>(ring_));
    client_->SetRegister(abi::kRegRingBaseHi, static_cast<uint32_t>(ring_ >> 32));
    client_->SetRegister(abi::kRegFenceAddressLo, static_cast<uint32_t>(ram_->bus() + kFence));
    client_->SetRegister(abi::kRegFenceAddressHi,
                         static_cast<uint32_t>((ram_->bus() + kFence) >> 32));
    client_->SetRegister(abi::kRegRingSizeLog2, 12);
    client_->SetRegister(abi::kRegQueueControl, abi::kQueueControlEnableMask);
  }
  template <typename T>
  void Push(const T& command) {
    ram_->Store(ring_ + tail_, command);
    tail_ = (tail_ + static_cast<uint32_t>(sizeof(T))) % kRingBytes;
  }
  void PushFence(uint64_t value, bool interrupts = false) {
    auto fence = fakes::MakeCommand<abi::FenceCommand>(
        interrupts ? abi::FenceCommand::kFlagInterrupt : uint16_t{0});
    fence.value = value;
    Push(fence);
  }
  void PushCopy(uint64_t destination, uint64_t source, uint32_t bytes) {
    auto copy = fakes::MakeCommand<abi::CopyCommand>();
    copy.destination = destination;
    copy.source = source;
    copy.row_bytes = bytes;
    copy.row_count = 1;
    Push(copy);
  }
  void Doorbell() { client_->SetRegister(abi::kRegDoorbell, tail_); }
  // Where the next command goes in the ring.
  uint32_t tail() const { return tail_; }
  uint32_t Fault() { return client_->Register(abi::kRegFaultStatus); }

  // Until the fence has been written or the queue has stopped; false then.
  bool AwaitFence(uint64_t value) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (client_->Register(abi::kRegLastFenceLo) != static_cast<uint32_t>(value)) {
      if (Fault() != 0) return false;
      if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("no fence came");
    }
    return true;
  }

 private:
  WireClient* client_;
  ClientRam* ram_;
  uint64_t ring_ = 0;
  uint32_t tail_ = 0;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_TEST_DRIVER_H_
