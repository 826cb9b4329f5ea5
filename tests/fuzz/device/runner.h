// Plays one input, and some of them again in another way that has to come out the same.
#ifndef WARD_TESTS_FUZZ_DEVICE_RUNNER_H_
#define WARD_TESTS_FUZZ_DEVICE_RUNNER_H_

#include <cstdint>
#include <memory>

#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/machine.h"

namespace ward::fuzz {

class Runner {
 public:
  // What a run was of; for those who measure.
  struct Tally {
    uint64_t runs = 0;
    uint64_t runs_with_decrypt = 0;
    uint64_t moves = 0;
  };

  Runner();
  void Run(ConstByteSpan input);
  // Also the ways that did not fall to the input: with other secrets, and again.
  void RunMoreWays(ConstByteSpan input);
  // Every way there is, with a snapshot before each of the first operations: takes milliseconds.
  void RunEachWay(ConstByteSpan input);
  const Tally& tally() const { return tally_; }
  Machine& machine() { return machine_; }

 private:
  enum class Way : uint8_t {
    kOnce,
    kOtherSecrets,  // P9: on a machine that differs in every secret, and in nothing else
    kAgain,         // the same, with its state; what is fetched twice comes out changed (P6)
    kInterrupted,   // P15: with a snapshot that it goes on from amid the operations
    kWithSnapshots,
    kBase,  // the base is the base, once it was put back
  };
  static Way PickWay(uint64_t hash);
  // Of the operations before which a snapshot may come.
  static constexpr uint64_t kInterruptible = 48;
  // `where`: of a snapshot, with kInterrupted.
  void RunInWay(ConstByteSpan input, Way way, Machine::RunOptions options, uint64_t where);

  uint64_t Play(Machine* machine, ConstByteSpan input, const Machine::RunOptions& options,
                bool with_state);
  uint64_t PlayInterrupted(ConstByteSpan input, const Machine::RunOptions& options, uint64_t where);

  Machine machine_;
  Machine other_;  // with other secrets
  Tally tally_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_RUNNER_H_
