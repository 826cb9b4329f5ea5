// The outside of a chip in tests: memory on a bus, VRAM, a clock set by hand, repeatable entropy,
// and records of what the chip sent. Nothing here is random or timed.
#ifndef WARD_TESTS_FAKES_FAKE_PORTS_H_
#define WARD_TESTS_FAKES_FAKE_PORTS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "device/ports.h"

namespace ward::fakes {

// System memory as the chip sees it: only what was mapped, each mapping read-write or read-only.
class FakeBus final : public device::DmaPort {
 public:
  enum class Kind { kRead, kWrite, kAtomic };
  struct AccessRecord {
    Kind kind;
    uint64_t address;
    uint64_t size_bytes;
    bool allowed;
  };

  void Map(uint64_t address, uint64_t size_bytes, bool writable = true) {
    regions_[address] = Region{std::vector<uint8_t>(size_bytes), writable};
  }
  // The bytes are lost; later accesses are refused.
  void Unmap(uint64_t address) { regions_.erase(address); }

  // The test's own door; the range must be mapped. Not logged.
  uint8_t* At(uint64_t address, uint64_t size_bytes = 1) {
    Region* region = Find(&address, size_bytes);
    WARD_ASSERT(region != nullptr);
    return region->bytes.data() + address;
  }
  template <typename T>
  T Load(uint64_t address) {
    return LoadLe<T>(At(address, sizeof(T)));
  }
  template <typename T>
  void Store(uint64_t address, T value) {
    StoreLe<T>(At(address, sizeof(T)), value);
  }

  bool Read(uint64_t bus_address, ByteSpan destination) override {
    uint64_t offset = bus_address;
    Region* region = Find(&offset, destination.size());
    if (!is_master) region = nullptr;
    log_.push_back({Kind::kRead, bus_address, destination.size(), region != nullptr});
    if (region == nullptr) return false;
    std::memcpy(destination.data(), region->bytes.data() + offset, destination.size());
    // What another processor would do at the worst moment: after the chip's fetch.
    if (after_read) after_read(bus_address, destination.size());
    return true;
  }
  bool Write(uint64_t bus_address, ConstByteSpan source) override {
    uint64_t offset = bus_address;
    Region* region = Find(&offset, source.size());
    const bool allowed = is_master && region != nullptr && region->writable;
    log_.push_back({Kind::kWrite, bus_address, source.size(), allowed});
    if (!allowed) return false;
    std::memcpy(region->bytes.data() + offset, source.data(), source.size());
    return true;
  }
  bool WriteAtomic64(uint64_t bus_address, uint64_t value) override {
    uint64_t offset = bus_address;
    Region* region = Find(&offset, sizeof(value));
    const bool allowed = is_master && region != nullptr && region->writable;
    log_.push_back({Kind::kAtomic, bus_address, sizeof(value), allowed});
    if (!allowed) return false;
    StoreLe<uint64_t>(region->bytes.data() + offset, value);
    return true;
  }

  // Not logged: what happens in a window, the host does not see.
  uint8_t* Window(uint64_t bus_address, uint64_t size_bytes, bool is_write) override {
    Region* region = Find(&bus_address, size_bytes);
    largest_window_ = std::max(largest_window_, size_bytes);
    if (!shows_windows || !is_master || region == nullptr || (is_write && !region->writable)) {
      return nullptr;
    }
    return region->bytes.data() + bus_address;
  }
  void CloseWindow(uint8_t* window, uint64_t size_bytes) override {
    for (auto& [base, region] : regions_) {
      const uint64_t offset = AddressOf(window) - AddressOf(region.bytes.data());
      if (!RangeFits(offset, size_bytes, region.bytes.size())) continue;
      closed_.push_back({Kind::kWrite, base + offset, size_bytes, true});
      return;
    }
    WARD_ASSERT(false);  // no window of this bus
  }
  // Whether the host was told that the byte was written, by an access or by a window's end.
  bool HeardOfWrite(uint64_t address) const {
    const auto holds = [&](const AccessRecord& record) {
      return record.kind != Kind::kRead && record.allowed && address >= record.address &&
             address - record.address < record.size_bytes;
    };
    return std::any_of(log_.begin(), log_.end(), holds) ||
           std::any_of(closed_.begin(), closed_.end(), holds);
  }

  // The most bytes that were asked for at once; a host looks at each page of them.
  uint64_t largest_window() const { return largest_window_; }

  const std::vector<AccessRecord>& log() const { return log_; }
  void ClearLog() {
    log_.clear();
    closed_.clear();
  }
  // How many reads touched the byte at `address`: a field is fetched once (P6).
  size_t ReadsOf(uint64_t address) const {
    return static_cast<size_t>(
        std::count_if(log_.begin(), log_.end(), [&](const AccessRecord& record) {
          return record.kind == Kind::kRead && address >= record.address &&
                 address - record.address < record.size_bytes;
        }));
  }

  std::function<void(uint64_t address, uint64_t size_bytes)> after_read;
  bool is_master = true;  // clear: the host refuses everything, as with bus mastering off
  bool shows_windows = false;

 private:
  struct Region {
    std::vector<uint8_t> bytes;
    bool writable;
  };
  // Region that holds all of [*address, + size); *address becomes the offset in it.
  Region* Find(uint64_t* address, uint64_t size_bytes) {
    auto next = regions_.upper_bound(*address);
    if (next == regions_.begin()) return nullptr;
    auto& [base, region] = *std::prev(next);
    if (!RangeFits(*address - base, size_bytes, region.bytes.size())) return nullptr;
    *address -= base;
    return &region;
  }

  static uint64_t AddressOf(const uint8_t* byte) { return reinterpret_cast<uintptr_t>(byte); }

  std::map<uint64_t, Region> regions_;
  std::vector<AccessRecord> log_;
  std::vector<AccessRecord> closed_;  // windows for writing
  uint64_t largest_window_ = 0;
};

// Visible VRAM. The chip checks its offsets, so one outside is a bug of the chip.
class FakeVram final : public device::VramPort {
 public:
  explicit FakeVram(uint64_t size_bytes) : bytes_(size_bytes) {}

  std::vector<uint8_t>& bytes() { return bytes_; }
  template <typename T>
  T Load(uint64_t offset) {
    WARD_ASSERT(RangeFits(offset, sizeof(T), bytes_.size()));
    return LoadLe<T>(bytes_.data() + offset);
  }
  template <typename T>
  void Store(uint64_t offset, T value) {
    WARD_ASSERT(RangeFits(offset, sizeof(T), bytes_.size()));
    StoreLe<T>(bytes_.data() + offset, value);
  }
  void StoreBytes(uint64_t offset, ConstByteSpan source) {
    WARD_ASSERT(RangeFits(offset, source.size(), bytes_.size()));
    std::copy(source.begin(), source.end(), bytes_.begin() + static_cast<ptrdiff_t>(offset));
  }

  void Read(uint64_t offset, ByteSpan destination) override {
    WARD_ASSERT(RangeFits(offset, destination.size(), bytes_.size()));
    reads_.emplace_back(offset, destination.size());
    std::memcpy(destination.data(), bytes_.data() + offset, destination.size());
    if (after_read) after_read(offset, destination.size());
  }
  void Write(uint64_t offset, ConstByteSpan source) override {
    StoreBytes(offset, source);
    writes_.emplace_back(offset, source.size());
  }
  void WriteAtomic64(uint64_t offset, uint64_t value) override {
    Store<uint64_t>(offset, value);
    writes_.emplace_back(offset, sizeof(value));
  }
  uint8_t* Window(uint64_t offset, uint64_t size_bytes) override {
    WARD_ASSERT(RangeFits(offset, size_bytes, bytes_.size()));
    return shows_windows ? bytes_.data() + offset : nullptr;
  }
  void CloseWindow(uint64_t offset, uint64_t size_bytes) override {
    WARD_ASSERT(RangeFits(offset, size_bytes, bytes_.size()));
    writes_.emplace_back(offset, size_bytes);
  }
  // Whether the host was told that the byte was written, by an access or by a window's end.
  bool HeardOfWrite(uint64_t offset) const {
    return std::any_of(writes_.begin(), writes_.end(), [&](const auto& write) {
      return offset >= write.first && offset - write.first < write.second;
    });
  }

  size_t ReadsOf(uint64_t offset) const {
    return static_cast<size_t>(std::count_if(reads_.begin(), reads_.end(), [&](const auto& read) {
      return offset >= read.first && offset - read.first < read.second;
    }));
  }
  size_t read_count() const { return reads_.size(); }
  void ClearLog() {
    reads_.clear();
    writes_.clear();
  }

  std::function<void(uint64_t offset, uint64_t size_bytes)> after_read;
  bool shows_windows = false;

 private:
  std::vector<uint8_t> bytes_;
  std::vector<std::pair<uint64_t, uint64_t>> reads_;
  std::vector<std::pair<uint64_t, uint64_t>> writes_;
};

class CollectedInterrupts final : public device::InterruptPort {
 public:
  void SendVector(uint32_t vector) override {
    vectors.push_back(vector);
    // What a processor would see that looks at once.
    if (on_send) on_send(vector);
  }
  std::vector<uint32_t> vectors;
  std::function<void(uint32_t vector)> on_send;
};

class ManualClock final : public device::ClockPort {
 public:
  uint64_t NowNs() override { return now_ns; }
  uint64_t now_ns = 1000;
};

// A counter through a mixer: the same seed gives the same bytes. Never for real keys.
class SeededEntropy final : public device::EntropyPort {
 public:
  bool Fill(ByteSpan destination) override {
    if (!available) return false;
    for (uint8_t& byte : destination) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      byte = static_cast<uint8_t>((state >> 33) ^ (state >> 51));
    }
    return true;
  }
  uint64_t state = 1;
  bool available = true;
};

class RecordedTrace final : public TraceSink {
 public:
  struct Event {
    std::string name;
    std::string detail;
    uint64_t arguments[3];
  };
  void OnEvent(const TraceEvent& event) override {
    events.push_back(
        {event.name, event.detail, {event.arguments[0], event.arguments[1], event.arguments[2]}});
  }
  size_t CountOf(const std::string& name) const {
    return static_cast<size_t>(std::count_if(events.begin(), events.end(),
                                             [&](const Event& e) { return e.name == name; }));
  }
  std::vector<Event> events;
};

// All of them together; must outlive the chip that uses `ports()`.
struct FakePorts {
  explicit FakePorts(uint64_t visible_vram_bytes = 1u << 20) : vram(visible_vram_bytes) {}
  device::Ports ports() { return {&bus, &vram, &interrupts, &clock, &entropy, &trace, executor}; }

  FakeBus bus;
  FakeVram vram;
  CollectedInterrupts interrupts;
  ManualClock clock;
  SeededEntropy entropy;
  RecordedTrace trace;
  device::ExecutorPort* executor = nullptr;  // the test's
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_FAKE_PORTS_H_
