// A PCI function that counts the waits of its driver which run out. On hardware such a wait takes
// its whole time; the in-process host cuts it short, so it has to be counted to be seen.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_WATCHED_FUNCTION_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_WATCHED_FUNCTION_H_

#include <cstdint>

#include "tests/fakes/forwarding_function.h"

namespace ward::test {

class WatchedFunction final : public fakes::ForwardingFunction {
 public:
  using ForwardingFunction::ForwardingFunction;

  int waits_run_out() const { return waits_run_out_; }

  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override {
    const abi::PciError error = ForwardingFunction::WaitInterrupt(vector, timeout_ms);
    if (error == abi::PciError::kTimeout) ++waits_run_out_;
    return error;
  }

 private:
  int waits_run_out_ = 0;
};

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_WATCHED_FUNCTION_H_
