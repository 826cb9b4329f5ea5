#include "tests/fuzz/device/runner.h"

#include <algorithm>

#include "base/assert.h"
#include "tests/fuzz/device/digest.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kSalt = 0xcbf29ce484222325;

// Puts a snapshot before one of the operations.
class Interrupter final : public OperationSink {
 public:
  Interrupter(OperationSink* next, uint64_t where) : next_(next), left_(where) {}
  void Do(const Operation& operation) override {
    if (left_ != 0) {
      --left_;
    } else if (!is_done_) {
      is_done_ = true;
      next_->Do({.kind = OperationKind::kSnapshot});
    }
    next_->Do(operation);
  }
  bool is_done() const { return is_done_; }

 private:
  OperationSink* next_;
  uint64_t left_;
  bool is_done_ = false;
};

}  // namespace

Runner::Runner() : machine_(0), other_(1) {}

// By the input alone, so that one that is played again is played the same way.
Runner::Way Runner::PickWay(uint64_t hash) {
  if (hash % 8 == 0) return Way::kOtherSecrets;
  if (hash % 256 == 1) return Way::kAgain;
  // What takes milliseconds.
  switch (hash % 4096) {
    case 2:
    case 2050:
      return Way::kInterrupted;
    case 3:
      return Way::kWithSnapshots;
    case 4:
      return Way::kBase;
    default:
      return Way::kOnce;
  }
}

uint64_t Runner::Play(Machine* machine, ConstByteSpan input, const Machine::RunOptions& options,
                      bool with_state) {
  machine->Begin(options);
  Grammar grammar(machine->base(), machine);
  grammar.Play(input);
  tally_.moves += grammar.move_count();
  return machine->End(with_state);
}

uint64_t Runner::PlayInterrupted(ConstByteSpan input, const Machine::RunOptions& options,
                                 uint64_t where) {
  machine_.Begin(options);
  Interrupter interrupter(&machine_, where);
  Grammar grammar(machine_.base(), &interrupter);
  grammar.Play(input);
  // Or the input would be held against itself.
  WARD_ASSERT(interrupter.is_done() || machine_.operations() == 0);
  return machine_.End(false);
}

void Runner::Run(ConstByteSpan input) {
  const uint64_t hash = Digest(kSalt, input);
  Machine::RunOptions options;
  options.has_pixels = (hash >> 8) % 256 == 0;
  options.has_protected_pixels = (hash >> 8) % 8 == 0;
  RunInWay(input, PickWay(hash), options, (hash >> 16) % kInterruptible);
}

void Runner::RunMoreWays(ConstByteSpan input) {
  Run(input);
  for (const Way way : {Way::kOtherSecrets, Way::kAgain}) RunInWay(input, way, {}, 0);
}

void Runner::RunEachWay(ConstByteSpan input) {
  RunMoreWays(input);
  for (const Way way : {Way::kBase, Way::kWithSnapshots}) RunInWay(input, way, {}, 0);
  const uint64_t end = std::min(kInterruptible, machine_.operations());
  for (uint64_t where = 0; where < end; ++where) RunInWay(input, Way::kInterrupted, {}, where);
}

void Runner::RunInWay(ConstByteSpan input, Way way, Machine::RunOptions options, uint64_t where) {
  // An input that holds a secret itself says nothing about leaks.
  options.looks_for_secrets = !machine_.HoldsSecret(input);
  options.is_masked = way == Way::kOtherSecrets;
  options.has_snapshots = way == Way::kInterrupted || way == Way::kWithSnapshots;
  options.has_saved_states = way == Way::kWithSnapshots;
  const bool with_state = way == Way::kAgain;
  ++tally_.runs;
  const uint64_t digest = Play(&machine_, input, options, with_state);
  tally_.runs_with_decrypt += machine_.decrypts_done() != 0;
  switch (way) {
    case Way::kOnce:
    case Way::kWithSnapshots:
      return;
    case Way::kOtherSecrets:
      return Expect(Play(&other_, input, options, false) == digest, "non_interference",
                    "what can be seen depends on a secret");
    case Way::kAgain:
      options.flips_second = true;
      return Expect(Play(&machine_, input, options, true) == digest, "determinism",
                    "the same input again came out otherwise");
    case Way::kInterrupted:
      // Behind the last one nothing would go on.
      where %= std::max<uint64_t>(machine_.operations(), 1);
      return Expect(PlayInterrupted(input, options, where) == digest, "going_on",
                    "what goes on from a snapshot is not what went on");
    case Way::kBase:
      return machine_.CheckBase();
  }
}

}  // namespace ward::fuzz
