// Figures of functions behind ports, for a guest (docs/performance.md).
// usage: ward_function_probe WHERE...      WHERE as in kmd/ports/open_function.h
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kmd/ports/open_function.h"
#include "tests/bench/attachments/probe.h"

int main(int argc, char** argv) {
  std::vector<std::unique_ptr<ward::abi::PciFunction>> functions;
  for (int i = 1; i < argc; ++i) {
    std::unique_ptr<ward::abi::PciFunction> function;
    std::string error;
    if (ward::kmd::OpenFunction(argv[i], &function, &error) != ward::abi::PciError::kNone) {
      std::printf("failed %s: %s\n", argv[i], error.c_str());
      return 1;
    }
    functions.push_back(std::move(function));
  }
  return ward::bench::RunProbe(std::move(functions));
}
