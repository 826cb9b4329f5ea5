// What became of a submission, for people and for scripts.
#ifndef WARD_EMULATOR_CLI_BENCH_SUBMISSION_TEXT_H_
#define WARD_EMULATOR_CLI_BENCH_SUBMISSION_TEXT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "emulator/cli/bench/command_text.h"
#include "emulator/cli/bench/kernel_queue.h"

namespace ward::emulator {

// One line, or two with what a status means.
std::string DescribeSubmission(const std::vector<CommandText>& commands,
                               const SubmissionResult& result);
nlohmann::ordered_json SubmissionJson(const std::vector<CommandText>& commands,
                                      const SubmissionResult& result);
// Neither a fault nor a refusal, and all was done in time.
bool IsDone(const SubmissionResult& result);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_SUBMISSION_TEXT_H_
