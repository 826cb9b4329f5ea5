// Notices a driver that reads the same registers again and again while nothing changes, and one
// that stops doing so without having got an answer. Memory is bounded whatever the guest does.
#ifndef WARD_EMULATOR_BOUNDARY_SPIN_WATCHDOG_H_
#define WARD_EMULATOR_BOUNDARY_SPIN_WATCHDOG_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "emulator/boundary/access_table.h"

namespace ward::emulator {

// When a loop is told of. Times are virtual.
struct SpinLimits {
  uint64_t reads = 10000;
  uint64_t ns = 100'000'000;     // and at least 16 reads
  uint64_t gap_ns = 50'000'000;  // a loop whose next read comes later has ended
  // A loop of fewer reads that ends without an answer was no waiting.
  uint64_t give_up_reads = 100;

  // As a host's poll-reads and poll-ms give them; 0 leaves one as it is above.
  static SpinLimits Of(uint32_t poll_reads, uint32_t poll_ms);
};

struct SpinRegister {
  uint32_t offset;
  uint32_t value;  // read last
};

// One set of registers that was polled.
struct SpinEntry {
  std::vector<SpinRegister> registers;  // by offset, each once
  uint64_t loops = 0;                   // of those that were told of
  uint64_t reads = 0;                   // in all of them
  uint64_t longest_reads = 0;
  uint64_t longest_ns = 0;
  uint64_t answered = 0;     // a value changed
  uint64_t given_up = 0;     // the driver went on without
  uint64_t given_up_ns = 0;  // after how long, the last time
  bool is_running = false;
  SpinRegister changed = {};   // of the last answer: what it was before
  uint32_t changed_value = 0;  // and what it became
  LastCommand before;          // when the last loop began
};

class SpinWatchdog {
 public:
  static constexpr uint32_t kLongestPeriod = 8;  // reads until the loop begins anew
  static constexpr size_t kEntries = 64;

  explicit SpinWatchdog(const SpinLimits& limits) : limits_(limits) {}

  void OnRead(uint32_t offset, uint32_t value, uint64_t now_ns, const LastCommand& command);
  // The guest did something else than read a register.
  void OnOther(uint64_t now_ns);

  // The most reads first; a loop that still runs is counted as far as it got.
  std::vector<SpinEntry> Ranked(uint64_t now_ns) const;
  // Grows with everything that Ranked() has new, but not with each read.
  uint64_t changes() const { return changes_; }

 private:
  struct Read {
    SpinRegister place;
    uint64_t at_ns;
  };
  struct Run {
    uint64_t length = 0;  // reads that were as the one a period before
    uint64_t begin_ns = 0;
  };
  struct Loop {
    std::vector<SpinRegister> order;  // one period, `next` is expected next
    size_t next = 0;
    uint64_t reads = 0;
    uint64_t begin_ns = 0;
    uint64_t last_ns = 0;
    bool is_told = false;
    LastCommand before;
  };
  enum class End { kAnswered, kGivenUp };

  const Read& Ago(uint32_t reads) const;
  void FollowRuns(const Read& read);
  void FollowLoop(const SpinRegister& place, uint64_t now_ns);
  void BeginLoop(uint64_t now_ns, const LastCommand& command);
  void Pause();
  void Forget();
  void CountRunning(const Loop& loop);
  void ResumeOrAnswer(const SpinRegister& place, uint64_t now_ns);
  void EndLoop(const Loop& loop, End end, const SpinRegister& before, uint32_t after);
  SpinEntry* EntryOf(const Loop& loop);

  SpinLimits limits_;
  std::array<Read, kLongestPeriod> recent_ = {};
  uint64_t recent_count_ = 0;                      // reads since something else happened
  std::array<Run, kLongestPeriod + 1> runs_ = {};  // by period
  std::optional<Loop> loop_;                       // being polled
  std::optional<Loop> paused_;                     // something came between: it may go on
  std::vector<SpinEntry> entries_;
  uint64_t changes_ = 0;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_SPIN_WATCHDOG_H_
