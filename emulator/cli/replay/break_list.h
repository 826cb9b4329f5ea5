// Where a replay stops.
#ifndef WARD_EMULATOR_CLI_REPLAY_BREAK_LIST_H_
#define WARD_EMULATOR_CLI_REPLAY_BREAK_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/trace.h"
#include "emulator/boundary/event_source.h"

namespace ward::emulator {

// Hears what the chip traces while it runs; commands and statuses are told there.
class BreakList final : public TraceSink {
 public:
  // `words`: "register NAME", "command NAME", "status NAME" or "event NUMBER". Empty when it is in,
  // else what was expected.
  std::string Add(const std::vector<std::string>& words);
  // False when there is none of this number.
  bool Delete(uint64_t number);
  // One line a break.
  std::string List() const;

  // Whether to stop before a call of the host, and why; empty: go on.
  std::string FindBefore(const RecordedEvent& call, uint64_t event) const;
  // While on, OnEvent looks for commands and statuses.
  void SetListening(bool listening) { is_listening_ = listening; }
  // Why to stop after the calls that were made since it was asked last; empty: go on.
  std::string TakeHit();
  void OnEvent(const TraceEvent& event) override;

 private:
  enum class Kind { kRegister, kCommand, kStatus, kEvent };
  struct Break {
    uint64_t number;
    Kind kind;
    std::string text;               // as it was given
    std::string name;               // of command and status
    std::vector<uint32_t> offsets;  // of registers
    uint64_t event;
  };

  std::vector<Break> breaks_;
  uint64_t last_number_ = 0;
  bool is_listening_ = false;
  std::string hit_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_REPLAY_BREAK_LIST_H_
