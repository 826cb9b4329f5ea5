// A machine around a chip for fuzzing: memory that the input writes, a clock that the input moves,
// and the checks that must hold whatever the input does. One chip per process, put back to the same
// state before each input.
#ifndef WARD_TESTS_FUZZ_FUZZ_MACHINE_H_
#define WARD_TESTS_FUZZ_FUZZ_MACHINE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/trace.h"
#include "device/gpu.h"
#include "device/ports.h"
#include "device/state_hasher.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {

// In protected memory from the start, and nowhere else: it may never come out.
inline constexpr uint32_t kCanary = 0x9e3779b9;

// What the chip did to the outside during one input.
struct BoundaryRecord {
  device::StateHasher digest;  // every write, vector and event, in order
  uint64_t accesses = 0;       // DMA and VRAM, since the last Process began
  uint64_t bytes = 0;
  bool look_for_canary = true;
};

class FuzzBus final : public device::DmaPort {
 public:
  static constexpr uint64_t kBase = 0x10000000;
  static constexpr uint64_t kSizeBytes = 256 << 10;

  explicit FuzzBus(BoundaryRecord* record) : record_(record), bytes_(kSizeBytes) {}
  bool Read(uint64_t bus_address, ByteSpan destination) override;
  bool Write(uint64_t bus_address, ConstByteSpan source) override;
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override;

  std::vector<uint8_t>& bytes() { return bytes_; }
  InputReader* hostile = nullptr;  // while set, reads are answered by the input
  bool refuse = false;             // the IOMMU says no
  bool confined = false;           // an access outside of the window is a bug of the chip

 private:
  bool Reaches(uint64_t bus_address, uint64_t size_bytes);
  BoundaryRecord* record_;
  std::vector<uint8_t> bytes_;
};

class FuzzVram final : public device::VramPort {
 public:
  FuzzVram(BoundaryRecord* record, uint64_t size_bytes) : record_(record), bytes_(size_bytes) {}
  void Read(uint64_t offset, ByteSpan destination) override;
  void Write(uint64_t offset, ConstByteSpan source) override;
  void WriteAtomic64(uint64_t offset, uint64_t value) override;

  // What context 2 alone maps (FuzzMachine::MapLeaves).
  static constexpr uint64_t kPrivate = 0x40000;
  static constexpr uint64_t kPrivateBytes = 0x10000;

  std::vector<uint8_t>& bytes() { return bytes_; }
  bool is_private_closed = false;  // context 2 does nothing: an access to its own is a bug

 private:
  void Check(uint64_t offset, uint64_t size_bytes) const;
  BoundaryRecord* record_;
  std::vector<uint8_t> bytes_;
};

class FuzzSmallPorts final : public device::InterruptPort,
                             public device::ClockPort,
                             public device::EntropyPort,
                             public TraceSink {
 public:
  explicit FuzzSmallPorts(BoundaryRecord* record) : record_(record) {}
  void SendVector(uint32_t vector) override;
  uint64_t NowNs() override { return now_ns; }
  bool Fill(ByteSpan destination) override;
  void OnEvent(const TraceEvent& event) override;

  uint64_t now_ns = 1000;
  uint64_t entropy_state = 1;
  bool entropy_available = true;

 private:
  BoundaryRecord* record_;
};

class FuzzMachine {
 public:
  static constexpr uint64_t kVisibleBytes = 1 << 20;
  static constexpr uint64_t kProtectedBytes = 1 << 20;
  // Page tables of context c (1 and 2): 16 KiB from here.
  static constexpr uint64_t kTables = 0x10000;
  static constexpr uint64_t kTableBytes = 0x4000;
  static constexpr uint64_t kFreeVram = 0x80000;  // what a confined input may map
  static constexpr uint32_t kQueues = 4;          // started before the input
  static constexpr uint32_t kOtherQueue = 3;      // context 2's; the user's others are context 1's
  static constexpr uint32_t kRingBytes = 4096;

  FuzzMachine();

  // Runs one input from the base state. The digest of everything that came out, and of the chip's
  // state when asked for (which is slow).
  uint64_t Run(ConstByteSpan input, bool hash_state);

 private:
  void BuildBase();
  void StartQueue(uint32_t queue, uint32_t context);
  void MapLeaves(uint32_t context);
  bool IsClosed(uint64_t register_offset) const;
  uint32_t PickQueue(InputReader* input) const;
  void PaintCanary();
  void OpenSession();
  uint32_t CreateSession(const uint8_t (&key_exchange)[16]);
  void RunToRest();
  void PushBytes(uint32_t queue, ConstByteSpan bytes);
  template <typename T>
  void Push(uint32_t queue, const T& command);
  void PushMessage(uint32_t queue, uint32_t message, ConstByteSpan payload, uint64_t response);
  void Doorbell(uint32_t queue);

  // Operations of the input's grammar.
  void RunOperation(uint8_t operation, InputReader* input);
  void WriteTableRegister(InputReader* input);
  void AccessRawRegister(InputReader* input);
  void PushTableCommand(InputReader* input);
  void PushSecurityMessage(InputReader* input);
  void PushRawBytes(InputReader* input);
  void WritePageEntry(InputReader* input);
  void WriteMemory(InputReader* input);
  void AccessConfig(InputReader* input);
  void RoundTripSnapshot();
  void ResetSomething(InputReader* input);
  void TearDown();
  void LookAtScreen(InputReader* input);
  void Process(uint64_t budget);
  uint64_t PickAddress(uint32_t queue, InputReader* input);

  BoundaryRecord record_;
  FuzzBus bus_;
  FuzzVram vram_;
  FuzzSmallPorts small_;
  std::unique_ptr<device::Gpu> gpu_;
  device::GpuSnapshot base_;
  std::vector<uint8_t> base_bus_;
  uint32_t base_tails_[kQueues] = {};
  uint32_t tails_[kQueues] = {};
  uint32_t session_ = 0;
  uint32_t hardware_session_ = 0;
  uint64_t budget_left_ = 0;
  uint32_t resets_left_ = 0;  // and other operations that take a millisecond
  uint32_t round_trips_left_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_FUZZ_MACHINE_H_
