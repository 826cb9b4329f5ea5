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
  std::puts("# base");
  const Machine machine(0, &printer);
  std::puts("# input");
  Grammar grammar(machine.base(), &printer);
  grammar.Play(input);
  return 0;
}

}  // namespace
}  // namespace ward::fuzz

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "text") == 0) return ward::fuzz::PrintText(argv[2]);
  std::fprintf(stderr, "usage: %s text INPUT\n", argv[0]);
  return 2;
}
