// What it costs to get memory that the device reaches: allocated, zeroed, pinned and mapped by the
// IOMMU. Figures, in nanoseconds for each MiB: "large", one buffer of large pages, and "small",
// buffers of one page each.
#ifndef WARD_TESTS_BENCH_RIVALS_MAPPING_SUBJECT_H_
#define WARD_TESTS_BENCH_RIVALS_MAPPING_SUBJECT_H_

#include <string>

#include "abi/pci_function.h"
#include "tests/bench/attachments/subject.h"

namespace ward::bench {

class MappingSubject final : public Subject {
 public:
  // `function` outlives this.
  explicit MappingSubject(abi::PciFunction* function) : function_(function) {}

  const char* Kind() const override { return "mapping"; }
  // Throws std::runtime_error as well when a large buffer has no large pages.
  double Measure(const std::string& figure, uint32_t count) override;

 private:
  // Nanoseconds for `buffers` of `bytes` each.
  double TimeBuffers(size_t buffers, size_t bytes);

  abi::PciFunction* function_;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_MAPPING_SUBJECT_H_
