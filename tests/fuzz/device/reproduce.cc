// Makes of an input what people can read and run elsewhere.
// usage: device_reproduce text INPUT       the operations, base included
//        device_reproduce run TEXT         plays them on a chip in this process
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/machine.h"

namespace ward::fuzz {
namespace {

class Printer final : public OperationSink {
 public:
  void Do(const Operation& operation) override { std::puts(ToText(operation).c_str()); }
};

std::vector<uint8_t> ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int PrintText(const char* path) {
  const std::vector<uint8_t> input = ReadFile(path);
  Printer printer;
  std::puts("# What makes the base, from reset on.");
  const Machine machine(0, &printer);
  std::puts("# The input.");
  Grammar grammar(machine.base(), &printer);
  grammar.Play(input);
  return 0;
}

int RunText(const char* path) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "device_reproduce: %s can't be read\n", path);
    return 2;
  }
  Machine machine;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    Operation operation;
    std::vector<uint8_t> room;
    std::string reason;
    if (!ParseOperation(line, &operation, &room, &reason)) {
      std::fprintf(stderr, "device_reproduce: %s:%d: %s\n", path, number, reason.c_str());
      return 2;
    }
    machine.Do(operation);
  }
  std::printf("%016llx\n", static_cast<unsigned long long>(machine.End(false)));
  return 0;
}

}  // namespace
}  // namespace ward::fuzz

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "text") == 0) return ward::fuzz::PrintText(argv[2]);
  if (argc == 3 && std::strcmp(argv[1], "run") == 0) return ward::fuzz::RunText(argv[2]);
  std::fprintf(stderr, "usage: %s text INPUT | run TEXT\n", argv[0]);
  return 2;
}
