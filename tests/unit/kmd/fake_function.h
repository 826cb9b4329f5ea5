// A PCI function that obeys or misbehaves as the test says. It knows registers and fences and
// nothing of commands: whatever a ring holds counts as done when its doorbell rings. The register
// numbers are the contract's, written by hand from docs/spec/registers.md.
#ifndef WARD_TESTS_UNIT_KMD_FAKE_FUNCTION_H_
#define WARD_TESTS_UNIT_KMD_FAKE_FUNCTION_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "base/bytes.h"

namespace ward::kmd {

class FakeFunction final : public abi::PciFunction {
 public:
  static constexpr uint64_t kVramBytes = 1 << 20;
  static constexpr uint64_t kProtectedBase = 0x4000000000;
  static constexpr uint64_t kProtectedBytes = 1 << 20;

  FakeFunction() : vram_(kVramBytes / sizeof(uint64_t)) { PowerOn(); }

  // What the test may change before or while the driver runs.
  uint32_t magic = 0x44524157;
  uint32_t abi_version = 0x10000;
  uint32_t firmware_state = 1;
  int firmware_ready_after_waits = 0;  // 0: never by itself
  uint64_t visible_bytes = kVramBytes;
  uint64_t protected_base = kProtectedBase;
  uint64_t protected_bytes = kProtectedBytes;
  uint32_t causes_after_reset = 0;
  int failing_allocation = 0;  // the n-th from now on fails, once; 0: none
  uint32_t vector_limit = 32;
  bool can_reset = true;
  bool can_map_vram = true;
  bool writes_fences = true;
  bool works_only_when_waited_for = false;  // the slowest device there is
  uint64_t fence_surplus = 0;               // added to every fence that is written
  bool interrupts_always = false;
  bool is_gone = false;
  uint32_t faulty_queue = ~0u;  // stops at its doorbell
  bool refuses_fills = false;
  std::vector<uint8_t> answer;  // to every security message, as far as there is room

  // What the driver did.
  std::map<uint16_t, int> executed;  // commands in rings, by opcode
  bool straddled = false;            // a command ran past its ring's end, or is no command
  struct Fill {
    uint64_t destination;
    uint32_t value, row_bytes, row_count;
    friend bool operator==(const Fill&, const Fill&) = default;
  };
  std::vector<Fill> fills;
  int register_writes = 0;
  int waits = 0;
  uint64_t patience_ms = 0;        // of all waits
  bool enabled_old_cause = false;  // an interrupt was enabled whose cause was set before
  uint32_t vectors = 0;
  bool bus_master = false;
  std::vector<std::string> events;  // "reset", "free"
  size_t live_buffers() const { return buffers_.size(); }
  uint32_t Register(uint32_t offset) { return registers_[offset]; }
  uint8_t* vram() { return reinterpret_cast<uint8_t*>(vram_.data()); }

  uint32_t ConfigRead(uint32_t, uint32_t) override { return 0xffffffff; }
  void ConfigWrite(uint32_t, uint32_t, uint32_t) override {}

  uint32_t BarRead32(int bar, uint64_t offset) override {
    if (is_gone || bar != 0) return 0xffffffff;
    return registers_[static_cast<uint32_t>(offset)];
  }

  void BarWrite32(int bar, uint64_t offset64, uint32_t value) override {
    const auto offset = static_cast<uint32_t>(offset64);
    ++register_writes;
    if (is_gone || bar != 0) return;
    if (offset >= 0x100000) return RingDoorbell((offset - 0x100000) / 0x10000, value);
    if (offset == 0x100 && (value & 1) != 0) return PowerOn();
    if (offset == 0x204) enabled_old_cause |= (registers_[0x200] & value) != 0;
    if (offset == 0x200) {
      registers_[offset] &= ~value;
      return;
    }
    if (offset >= 0x1000 && offset < 0x2000 && offset % 0x100 == 0) {
      registers_[offset + 4] = (value & 2) == 0 && (value & 1) != 0 ? 1 : 0;
      heads_[(offset - 0x1000) / 0x100] = 0;
      tails_.erase((offset - 0x1000) / 0x100);
      return;
    }
    registers_[offset] = value;
  }

  uint64_t BarSize(int bar) override {
    return bar == 0 ? 2 << 20 : bar == 2 ? kVramBytes : bar == 4 ? 4096 : 0;
  }
  uint8_t* MapBar(int bar) override { return bar == 2 && can_map_vram ? vram() : nullptr; }

  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override {
    if (failing_allocation > 0 && --failing_allocation == 0) return abi::PciError::kNoMemory;
    const size_t size = (size_bytes + 4095) / 4096 * 4096;
    Buffer memory(new (std::align_val_t{4096}) uint8_t[size]());
    *buffer = {memory.get(), next_bus_address_, size};
    next_bus_address_ += size;
    buffers_[buffer->bus_address] = std::move(memory);
    return abi::PciError::kNone;
  }
  void FreeDma(const abi::DmaBuffer& buffer) override {
    events.push_back("free");
    buffers_.erase(buffer.bus_address);
  }

  abi::PciError SetBusMaster(bool enable) override {
    bus_master = enable;
    return is_gone ? abi::PciError::kGone : abi::PciError::kNone;
  }
  abi::PciError EnableInterrupts(uint32_t count) override {
    if (count > vector_limit) return abi::PciError::kNoMemory;
    vectors = count;
    return abi::PciError::kNone;
  }
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override {
    patience_ms += timeout_ms;
    if (++waits == firmware_ready_after_waits) registers_[0x104] = 1;
    if (is_gone) return abi::PciError::kGone;
    if (vector >= vectors) return abi::PciError::kBadArgument;
    if (works_only_when_waited_for) {
      for (const auto& [queue, tail] : tails_) DoQueue(queue, tail);
    }
    return interrupts_always ? abi::PciError::kNone : abi::PciError::kTimeout;
  }
  abi::PciError ResetFunction() override {
    if (!can_reset) return abi::PciError::kUnsupported;
    if (is_gone) return abi::PciError::kGone;
    PowerOn();
    vectors = 0;
    bus_master = false;
    return abi::PciError::kNone;
  }
  const char* LastErrorText() const override { return ""; }

  // Takes over changes of what a register shows.
  void PowerOn() {
    events.push_back("reset");
    registers_.clear();
    registers_[0x0] = magic;
    registers_[0x4] = abi_version;
    registers_[0x8] = 0x3f;
    registers_[0x10] = 16;
    registers_[0x14] = 1024;
    registers_[0x18] = 64;
    Set64(0x20, visible_bytes);
    Set64(0x28, protected_base);
    Set64(0x30, protected_bytes);
    registers_[0x3c] = 0x201000;
    registers_[0x4c] = 0x3430;
    registers_[0x50] = 1;
    registers_[0x104] = firmware_state;
    registers_[0x200] = causes_after_reset;
  }

 private:
  struct AlignedDelete {
    void operator()(uint8_t* memory) const { ::operator delete[](memory, std::align_val_t{4096}); }
  };
  using Buffer = std::unique_ptr<uint8_t[], AlignedDelete>;

  void Set64(uint32_t offset, uint64_t value) {
    registers_[offset] = static_cast<uint32_t>(value);
    registers_[offset + 4] = static_cast<uint32_t>(value >> 32);
  }
  uint64_t Get64(uint32_t offset) {
    return registers_[offset] | static_cast<uint64_t>(registers_[offset + 4]) << 32;
  }

  void RingDoorbell(uint32_t queue, uint32_t tail) {
    const uint32_t block = 0x1000 + queue * 0x100;
    if (registers_[block + 4] != 1) return;
    if (queue == faulty_queue) {
      registers_[block + 4] = 4;
      return;
    }
    tails_[queue] = tail;
    if (!works_only_when_waited_for) DoQueue(queue, tail);
  }

  void DoQueue(uint32_t queue, uint32_t tail) {
    const uint32_t block = 0x1000 + queue * 0x100;
    const auto ring = buffers_.find(Get64(block + 0x8));
    if (registers_[block + 4] != 1 || ring == buffers_.end() || !bus_master || !writes_fences)
      return;
    const uint32_t size = 1u << registers_[block + 0x10];
    uint8_t* bytes = ring->second.get();
    // The driver keeps ring and fence in one buffer; the fence's offset says where.
    uint8_t* fence = bytes + (Get64(block + 0x18) - ring->first);
    for (uint32_t& head = heads_[queue]; head != tail;) {
      const auto opcode = LoadLe<uint16_t>(bytes + head);
      ++executed[opcode];
      if (opcode == 0x11) DoFill(block, bytes + head);
      if (opcode == 0x50) DoMessage(bytes + head);
      if (opcode == 2) StoreLe<uint64_t>(fence, LoadLe<uint64_t>(bytes + head + 8) + fence_surplus);
      const auto length = LoadLe<uint32_t>(bytes + head + 4);
      straddled |= length == 0 || length % 16 != 0 || head + length > size;
      if (straddled) return;
      head = (head + length) % size;
    }
  }

  void DoMessage(const uint8_t* command) {
    const auto response = buffers_.find(LoadLe<uint64_t>(command + 16));
    if (response == buffers_.end()) return;
    const size_t capacity = LoadLe<uint32_t>(command + 24);
    std::copy_n(answer.begin(), std::min(answer.size(), capacity), response->second.get());
  }

  void DoFill(uint32_t block, const uint8_t* command) {
    if (refuses_fills) {
      ++registers_[block + 0x48];
      return;
    }
    fills.push_back({LoadLe<uint64_t>(command + 8), LoadLe<uint32_t>(command + 16),
                     LoadLe<uint32_t>(command + 20), LoadLe<uint32_t>(command + 24)});
  }

  std::map<uint32_t, uint32_t> registers_;
  std::map<uint32_t, uint32_t> heads_;
  std::map<uint32_t, uint32_t> tails_;
  std::map<uint64_t, Buffer> buffers_;
  std::vector<uint64_t> vram_;
  uint64_t next_bus_address_ = 0x10000000;
};

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_FAKE_FUNCTION_H_
