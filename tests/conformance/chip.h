// The chip that registers and commands are held against: one on fake ports, made anew for each
// bench, or the function that the command line names, reset for each.
#ifndef WARD_TESTS_CONFORMANCE_CHIP_H_
#define WARD_TESTS_CONFORMANCE_CHIP_H_

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/fakes/gpu_rig.h"
#include "tests/integration/needs.h"

namespace ward::test {

struct ChipOptions {
  bool strict_iv = false;        // a function has it or not: for the caller to declare
  bool fails_self_test = false;  // Need::kInside
};
std::unique_ptr<fakes::QueueRig> MakeChip(const ChipOptions& options = {});

// Need::kInside: the chip itself and its ports.
fakes::GpuRig& Inside(fakes::QueueRig& rig);

// What a bench does, and what it needs for that; kCount is nothing.
template <typename Bench>
struct Scenario {
  template <typename Function>
    requires std::is_invocable_r_v<uint32_t, Function&, Bench&>
  Scenario(Function function, Need needed = Need::kCount)  // NOLINT: tables of lambdas
      : run(std::move(function)), need(needed) {}

  std::function<uint32_t(Bench&)> run;
  Need need;
};

// RSAES-OAEP of a session key of zeros for the chips that MakeChip makes.
const std::vector<uint8_t>& WrappedZeroKey();

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CHIP_H_
