// Runs a fuzz target over the files that are named, or that lie in the folders that are named.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" {

[[gnu::weak]] int LLVMFuzzerInitialize(int* argc, char*** argv);
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

}  // extern "C"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> CollectInputs(int count, char** names) {
  std::vector<fs::path> inputs;
  for (int i = 0; i < count; ++i) {
    if (fs::is_directory(names[i])) {
      for (const auto& entry : fs::directory_iterator(names[i])) inputs.push_back(entry.path());
    } else if (fs::exists(names[i])) {
      inputs.emplace_back(names[i]);
    }
  }
  return inputs;
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  const std::vector<fs::path> inputs = CollectInputs(argc - 1, argv + 1);
  for (const fs::path& path : inputs) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::printf("%s, %zu bytes\n", path.filename().c_str(), bytes.size());
    std::fflush(stdout);  // a crash then stands behind the name of its input
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("replayed %zu inputs\n", inputs.size());
  return inputs.empty() ? 1 : 0;
}
