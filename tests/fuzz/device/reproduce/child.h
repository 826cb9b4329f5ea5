// What may end its process, in a process of its own.
#ifndef WARD_TESTS_FUZZ_DEVICE_REPRODUCE_CHILD_H_
#define WARD_TESTS_FUZZ_DEVICE_REPRODUCE_CHILD_H_

#include <functional>
#include <optional>
#include <string>

namespace ward::fuzz {

// What `run` gives. Nothing when the process ended amid it: `*fell` is the line that said why.
std::optional<std::string> RunInChild(const std::function<std::string()>& run, std::string* fell);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_REPRODUCE_CHILD_H_
