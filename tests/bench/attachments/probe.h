// A conversation in lines on standard input and output, so that one caller can go round many
// programs: "measure KIND FIGURE COUNT" is answered by "value NUMBER" or "failed TEXT", "kinds" by
// "value " and what kinds there are. Ends with its input. docs/performance.md
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_PROBE_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_PROBE_H_

#include <memory>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// The program's exit code. Says "probe ready" when the functions are up, "failed TEXT" when one
// does not come up.
int RunProbe(std::vector<std::unique_ptr<abi::PciFunction>> functions);
// The same with subjects that are ready.
int RunProbe(const std::vector<std::unique_ptr<Subject>>& subjects);
// For a caller who has none: says "failed WHY". The program's exit code.
int RefuseAnswers(const std::string& why);

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_PROBE_H_
