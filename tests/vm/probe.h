// What the guest programs that try the VFIO port share: named checks, told on standard output.
#ifndef WARD_TESTS_VM_PROBE_H_
#define WARD_TESTS_VM_PROBE_H_

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "kmd/ports/vfio/vfio_function.h"

namespace ward::probe {

inline int failures = 0;

inline void Check(bool holds, const char* name, const abi::PciFunction& function) {
  if (holds) {
    std::printf("ok %s\n", name);
  } else {
    ++failures;
    std::printf("not ok %s (last error: %s)\n", name, function.LastErrorText());
  }
  std::fflush(stdout);
}

// The function that the guest's init bound to vfio-pci; ends the program when it can't be opened.
inline std::unique_ptr<kmd::VfioFunction> OpenFunction() {
  const char* address = std::getenv("WARD_PCI_ADDRESS");
  std::unique_ptr<kmd::VfioFunction> function;
  std::string error;
  const auto opened = kmd::VfioFunction::Open(address == nullptr ? "" : address, &function, &error);
  if (opened != abi::PciError::kNone) {
    std::printf("not ok open: %s\n", error.c_str());
    std::exit(1);
  }
  return function;
}

}  // namespace ward::probe

#endif  // WARD_TESTS_VM_PROBE_H_
