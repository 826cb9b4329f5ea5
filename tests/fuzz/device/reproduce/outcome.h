// What a run came to, in the same lines wherever it was played.
#ifndef WARD_TESTS_FUZZ_DEVICE_REPRODUCE_OUTCOME_H_
#define WARD_TESTS_FUZZ_DEVICE_REPRODUCE_OUTCOME_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ward::fuzz {

// Registers that make it up, by their places in BAR0. The last is KEY_EPOCH.
std::vector<uint64_t> OutcomeRegisters();
// A line for each queue, and one for the keys, each with its end. `values` are those of
// OutcomeRegisters, `first_epoch` is KEY_EPOCH before the first operation: where hosts begin with a
// reset, it has grown already.
std::string OutcomeText(uint32_t first_epoch, const std::vector<uint32_t>& values);
std::string ReadOutcome(uint32_t first_epoch, const std::function<uint32_t(uint64_t offset)>& read);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_REPRODUCE_OUTCOME_H_
