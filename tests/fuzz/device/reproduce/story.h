// A list of operations from reset on: what an input comes to, or what a text says.
#ifndef WARD_TESTS_FUZZ_DEVICE_REPRODUCE_STORY_H_
#define WARD_TESTS_FUZZ_DEVICE_REPRODUCE_STORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/device/operation.h"

namespace ward::fuzz {

// An operation with bytes of its own.
class Step {
 public:
  explicit Step(const Operation& operation)
      : operation_(operation), bytes_(operation.bytes.begin(), operation.bytes.end()) {}

  // Good as long as the step.
  Operation operation() const {
    Operation whole = operation_;
    whole.bytes = bytes_;
    return whole;
  }

 private:
  Operation operation_;
  std::vector<uint8_t> bytes_;
};

struct Story {
  std::vector<Step> steps;
  // Of these the first make the base, and the others are the input. 0: nothing says where a base
  // would end, which is what the first promise does.
  size_t base_steps = 0;
};

// What a text begins with, so that it is known as one.
inline constexpr char kTextHead[] = "# Operations of the device target";

// Of a file. Engines that do not know the target's max_len (targets.toml) make inputs of up to 1
// MiB, of which the first moves count; texts have some ten KiB.
inline constexpr size_t kMostStoryBytes = 1 << 20;

// An input of the fuzzer.
Story StoryOfInput(ConstByteSpan input);
// What `text` says. Nothing, and `*error` continues "<file>", where a line is no operation.
std::optional<Story> StoryOfText(std::string_view text, std::string* error);
// Of a regular file that is one or the other. Nothing, and `*error` is one line, when it is
// neither.
std::optional<Story> LoadStory(const std::string& path, std::string* error);

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_REPRODUCE_STORY_H_
