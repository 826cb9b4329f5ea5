// How fast inputs play, of a folder of them: one JSON object, for ./dev bench.
// usage: device_measure FOLDER SECONDS
//
// An input is played as the fuzzer plays it, with every oracle and in the ways that fall to it; the
// engine that thinks of inputs is not in the figures. Time is this thread's own.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/fuzz/device/runner.h"

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
  const std::vector<Input> inputs = argc == 3 ? ReadInputs(argv[1]) : std::vector<Input>();
  if (inputs.empty()) {
    std::fprintf(stderr, "usage: %s FOLDER SECONDS, and the folder holds inputs\n", argv[0]);
    return 2;
  }
  const double seconds = std::stod(argv[2]);
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
