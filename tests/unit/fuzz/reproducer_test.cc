// An input's text, played from reset on, does what the input did.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/machine.h"

namespace ward::fuzz {
namespace {

namespace fs = std::filesystem;

class Writer final : public OperationSink {
 public:
  void Do(const Operation& operation) override { lines.push_back(ToText(operation)); }
  std::vector<std::string> lines;
};

// Every so-many-th of the corpus.
std::vector<std::vector<uint8_t>> SomeInputs() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(WARD_SOURCE_DIR "/tests/fuzz/device_corpus")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  constexpr size_t kCount = 40;
  const size_t step = std::max<size_t>(1, paths.size() / kCount);
  std::vector<std::vector<uint8_t>> inputs;
  for (size_t i = 0; i < paths.size(); i += step) {
    std::ifstream file(paths[i], std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

TEST_CASE("the text of an input, played from reset on, comes out as the input does") {
  Writer base;
  Machine machine(0, &base);
  const std::vector<std::vector<uint8_t>> inputs = SomeInputs();
  REQUIRE(inputs.size() >= 40);
  for (const std::vector<uint8_t>& input : inputs) {
    Writer written;
    machine.Begin({});
    Grammar(machine.base(), &machine).Play(input);
    const uint64_t digest = machine.End(false);
    Grammar(machine.base(), &written).Play(input);

    Machine other;
    std::vector<uint8_t> room;
    std::string reason;
    for (const auto* lines : {&base.lines, &written.lines}) {
      for (const std::string& line : *lines) {
        Operation operation;
        REQUIRE(ParseOperation(line, &operation, &room, &reason));
        other.Do(operation);
      }
    }
    CHECK(other.End(false) == digest);
  }
}

}  // namespace
}  // namespace ward::fuzz
