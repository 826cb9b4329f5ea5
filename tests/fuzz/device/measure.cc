// How fast inputs play: one JSON object, for ./dev bench.
// usage: device_measure FOLDER SECONDS
//
// The inputs are what the fuzzer plays: those of the folder, changed by its own mutator. (A corpus
// is another thing: it has what is rare, each once.) Each is played as the fuzzer plays it, with
// every oracle and in the ways that fall to it; what the engine does around that is not in the
// figures. Time is this thread's own.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/device/runner.h"

// What mutator.cc is.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed);
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size,
                                            const uint8_t* other, size_t other_size, uint8_t* out,
                                            size_t max_size, unsigned seed);

namespace {

using Input = std::vector<uint8_t>;

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<Input> ReadInputs(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Input> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// The same ones each time.
std::vector<Input> ChangeInputs(const std::vector<Input>& corpus) {
  constexpr size_t kCount = 20000;
  constexpr size_t kMostBytes = 512;  // targets.toml
  constexpr unsigned kMostChanges = 4;
  std::minstd_rand random(1);
  const auto pick = [&]() -> const Input& { return corpus[random() % corpus.size()]; };
  std::vector<Input> inputs;
  while (inputs.size() < kCount) {
    Input input = pick();
    input.resize(std::min(input.size(), kMostBytes));
    for (auto left = 1 + random() % kMostChanges; left != 0; --left) {
      Input changed = input;
      const Input& other = pick();
      changed.resize(kMostBytes);
      const bool crosses = random() % 8 == 0;
      const auto seed = static_cast<unsigned>(random());
      changed.resize(crosses
                         ? LLVMFuzzerCustomCrossOver(input.data(), input.size(), other.data(),
                                                     other.size(), changed.data(), kMostBytes, seed)
                         : LLVMFuzzerCustomMutator(changed.data(), input.size(), kMostBytes, seed));
      input = std::move(changed);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// Microseconds that going back to the base takes, behind each input.
std::vector<double> MeasureResets(const std::vector<Input>& inputs, ward::fuzz::Runner* runner) {
  std::vector<double> times;
  ward::fuzz::Machine::RunOptions options;
  options.has_snapshots = options.has_pixels = options.has_protected_pixels = false;
  for (const Input& input : inputs) {
    runner->machine().Begin(options);
    ward::fuzz::Grammar grammar(runner->machine().base(), &runner->machine());
    grammar.Play(input);
    runner->machine().End(false);
    const double begin = CpuSeconds();
    runner->machine().Begin({});
    times.push_back(1e6 * (CpuSeconds() - begin));
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Input> corpus = argc == 3 ? ReadInputs(argv[1]) : std::vector<Input>();
  if (corpus.empty()) {
    std::fprintf(stderr, "usage: %s FOLDER SECONDS, and the folder holds inputs\n", argv[0]);
    return 2;
  }
  const double seconds = std::stod(argv[2]);
  const std::vector<Input> inputs = ChangeInputs(corpus);
  ward::fuzz::Runner runner;
  const std::vector<double> resets = MeasureResets(inputs, &runner);
  const double begin = CpuSeconds();
  do {
    for (const Input& input : inputs) runner.Run(input);
  } while (CpuSeconds() - begin < seconds);
  const double taken = CpuSeconds() - begin;
  const auto& tally = runner.tally();
  const auto runs = static_cast<double>(tally.runs);
  const nlohmann::ordered_json figures = {
      {"runs_per_s", runs / taken},
      {"decrypt_share", static_cast<double>(tally.runs_with_decrypt) / runs},
      {"moves_per_run", static_cast<double>(tally.moves) / runs},
      {"reset_us_median", resets[resets.size() / 2]},
      {"reset_us_p99", resets[resets.size() * 99 / 100]},
      {"inputs", inputs.size()},
  };
  std::printf("%s\n", figures.dump().c_str());
  return 0;
}
