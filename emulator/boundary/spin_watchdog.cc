#include "emulator/boundary/spin_watchdog.h"

#include <algorithm>
#include <utility>

#include "abi/generated/registers.h"

namespace ward::emulator {
namespace {

// Two reads that are far apart poll nothing.
constexpr uint64_t kLeastReads = 16;
// A loop is one when it came round this often.
constexpr uint64_t kRounds = 2;

// Reads differ without anything having happened.
bool IsClock(uint32_t offset) {
  return offset == abi::kRegTimestampLo || offset == abi::kRegTimestampHi;
}

bool IsSame(const SpinRegister& a, const SpinRegister& b) {
  return a.offset == b.offset && (a.value == b.value || IsClock(a.offset));
}

std::vector<SpinRegister> Distinct(std::vector<SpinRegister> order) {
  std::sort(order.begin(), order.end(),
            [](const SpinRegister& a, const SpinRegister& b) { return a.offset < b.offset; });
  const auto end = std::unique(
      order.begin(), order.end(),
      [](const SpinRegister& a, const SpinRegister& b) { return a.offset == b.offset; });
  order.erase(end, order.end());
  return order;
}

bool HaveSameOffsets(const std::vector<SpinRegister>& a, const std::vector<SpinRegister>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const SpinRegister& x, const SpinRegister& y) { return x.offset == y.offset; });
}

// A loop that reads the clock alone waits for time to pass, and gets it.
bool IsDelay(const std::vector<SpinRegister>& order) {
  return std::all_of(order.begin(), order.end(),
                     [](const SpinRegister& place) { return IsClock(place.offset); });
}

}  // namespace

SpinLimits SpinLimits::Of(uint32_t poll_reads, uint32_t poll_ms) {
  constexpr uint64_t kNsPerMillisecond = 1'000'000;
  SpinLimits limits;
  if (poll_reads != 0) limits.reads = poll_reads;
  if (poll_ms != 0) limits.ns = poll_ms * kNsPerMillisecond;
  return limits;
}

const SpinWatchdog::Read& SpinWatchdog::Ago(uint32_t reads) const {
  return recent_[(recent_count_ - reads) % kLongestPeriod];
}

void SpinWatchdog::OnRead(uint32_t offset, uint32_t value, uint64_t now_ns,
                          const LastCommand& command) {
  const SpinRegister place = {offset, value};
  if (recent_count_ > 0 && now_ns - Ago(1).at_ns > limits_.gap_ns) {
    Pause();
    Forget();
  }
  ResumeOrAnswer(place, now_ns);
  if (loop_) FollowLoop(place, now_ns);
  FollowRuns({place, now_ns});
  if (!loop_) BeginLoop(now_ns, command);
}

void SpinWatchdog::OnOther(uint64_t now_ns) {
  if (paused_ && now_ns - paused_->last_ns > limits_.gap_ns) {
    EndLoop(*std::exchange(paused_, std::nullopt), End::kGivenUp, {}, 0);
  }
  Pause();
  Forget();
}

void SpinWatchdog::Forget() {
  recent_count_ = 0;
  runs_ = {};
}

void SpinWatchdog::FollowRuns(const Read& read) {
  for (uint32_t period = 1; period <= kLongestPeriod; ++period) {
    Run& run = runs_[period];
    if (recent_count_ < period || !IsSame(Ago(period).place, read.place)) {
      run = {};
      continue;
    }
    if (run.length == 0) run.begin_ns = Ago(period).at_ns;
    ++run.length;
  }
  recent_[recent_count_ % kLongestPeriod] = read;
  ++recent_count_;
}

void SpinWatchdog::BeginLoop(uint64_t now_ns, const LastCommand& command) {
  for (uint32_t period = 1; period <= kLongestPeriod; ++period) {
    const Run& run = runs_[period];
    if (run.length < kRounds * period) continue;
    Loop loop;
    for (uint32_t ago = period; ago > 0; --ago) loop.order.push_back(Ago(ago).place);
    loop.reads = run.length + period;
    loop.begin_ns = run.begin_ns;
    loop.last_ns = now_ns;
    loop.before = command;
    if (paused_ && HaveSameOffsets(Distinct(paused_->order), Distinct(loop.order))) {
      loop.reads += paused_->reads;
      loop.begin_ns = paused_->begin_ns;
      loop.is_told = paused_->is_told;
      loop.before = paused_->before;
      paused_.reset();
    }
    loop_ = std::move(loop);
    return;
  }
}

void SpinWatchdog::FollowLoop(const SpinRegister& place, uint64_t now_ns) {
  Loop& loop = *loop_;
  SpinRegister& expected = loop.order[loop.next];
  if (expected.offset != place.offset) return Pause();
  if (!IsSame(expected, place)) {
    const SpinRegister before = expected;
    loop.last_ns = now_ns;
    EndLoop(*std::exchange(loop_, std::nullopt), End::kAnswered, before, place.value);
    return;
  }
  expected = place;
  loop.next = (loop.next + 1) % loop.order.size();
  ++loop.reads;
  loop.last_ns = now_ns;
  const bool is_long = loop.reads >= limits_.reads ||
                       (loop.reads >= kLeastReads && now_ns - loop.begin_ns >= limits_.ns);
  if (loop.is_told || !is_long) return;
  loop.is_told = true;
  SpinEntry* entry = EntryOf(loop);
  ++entry->loops;
  entry->before = loop.before;
  ++changes_;
}

// An interrupt's handler, or another processor, comes between the reads of a loop that goes on.
void SpinWatchdog::Pause() {
  if (!loop_) return;
  const bool is_worth_it = loop_->is_told || loop_->reads >= limits_.give_up_reads;
  std::optional<Loop> loop = std::exchange(loop_, std::nullopt);
  if (!is_worth_it) return;
  if (paused_) EndLoop(*paused_, End::kGivenUp, {}, 0);
  paused_ = std::move(loop);
}

void SpinWatchdog::ResumeOrAnswer(const SpinRegister& place, uint64_t now_ns) {
  if (!paused_) return;
  if (now_ns - paused_->last_ns > limits_.gap_ns) {
    EndLoop(*std::exchange(paused_, std::nullopt), End::kGivenUp, {}, 0);
    return;
  }
  for (const SpinRegister& polled : paused_->order) {
    if (polled.offset != place.offset || IsSame(polled, place)) continue;
    const SpinRegister before = polled;
    paused_->last_ns = now_ns;
    EndLoop(*std::exchange(paused_, std::nullopt), End::kAnswered, before, place.value);
    return;
  }
}

void SpinWatchdog::EndLoop(const Loop& loop, End end, const SpinRegister& before, uint32_t after) {
  const bool gave_up = end == End::kGivenUp && !IsDelay(loop.order);
  if (!loop.is_told && !(gave_up && loop.reads >= limits_.give_up_reads)) return;
  SpinEntry* entry = EntryOf(loop);
  if (!loop.is_told) ++entry->loops;
  const uint64_t duration_ns = loop.last_ns - loop.begin_ns;
  entry->reads += loop.reads;
  entry->longest_reads = std::max(entry->longest_reads, loop.reads);
  entry->longest_ns = std::max(entry->longest_ns, duration_ns);
  entry->before = loop.before;
  if (end == End::kAnswered) {
    ++entry->answered;
    entry->changed = before;
    entry->changed_value = after;
  } else if (gave_up) {
    ++entry->given_up;
    entry->given_up_ns = duration_ns;
  }
  ++changes_;
}

SpinEntry* SpinWatchdog::EntryOf(const Loop& loop) {
  const std::vector<SpinRegister> registers = Distinct(loop.order);
  auto found = std::find_if(entries_.begin(), entries_.end(), [&](const SpinEntry& entry) {
    return HaveSameOffsets(entry.registers, registers);
  });
  if (found == entries_.end()) {
    if (entries_.size() == kEntries) {
      entries_.erase(std::min_element(
          entries_.begin(), entries_.end(),
          [](const SpinEntry& a, const SpinEntry& b) { return a.reads < b.reads; }));
    }
    found = entries_.insert(entries_.end(), SpinEntry{});
  }
  found->registers = registers;
  return &*found;
}

std::vector<SpinEntry> SpinWatchdog::Ranked(uint64_t now_ns) const {
  SpinWatchdog copy = *this;
  for (const std::optional<Loop>* loop : {&loop_, &paused_}) {
    if (!*loop) continue;
    if (now_ns - (*loop)->last_ns > limits_.gap_ns) {
      copy.EndLoop(**loop, End::kGivenUp, {}, 0);
    } else if ((*loop)->is_told) {
      copy.CountRunning(**loop);
    }
  }
  std::vector<SpinEntry> ranked = std::move(copy.entries_);
  std::sort(ranked.begin(), ranked.end(), [](const SpinEntry& a, const SpinEntry& b) {
    return a.reads != b.reads ? a.reads > b.reads : a.registers[0].offset < b.registers[0].offset;
  });
  return ranked;
}

void SpinWatchdog::CountRunning(const Loop& loop) {
  SpinEntry* entry = EntryOf(loop);
  entry->is_running = true;
  entry->reads += loop.reads;
  entry->longest_reads = std::max(entry->longest_reads, loop.reads);
  entry->longest_ns = std::max(entry->longest_ns, loop.last_ns - loop.begin_ns);
}

}  // namespace ward::emulator
