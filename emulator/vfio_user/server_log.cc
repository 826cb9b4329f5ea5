#include "emulator/vfio_user/server_log.h"

#include <limits.h>

#include <algorithm>
#include <utility>

#include "emulator/boundary/standard_error.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

// One write for a line, so that lines of threads and processes do not mix. A log that nobody takes
// is lost, and nothing waits for it.
void Print(std::string line) {
  if (line.size() > PIPE_BUF) line.resize(PIPE_BUF);
  StandardError::Write(line, 0);
}

}  // namespace

void ServerLog::Write(const std::string& device, const std::string& line) {
  const std::lock_guard<std::mutex> lock(lock_);
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - std::exchange(filled_, now);
  tokens_ = std::min<double>(kBurst, tokens_ + passed.count() * kLinesASecond);
  if (tokens_ < 1) {
    ++left_out_;
    return;
  }
  tokens_ -= 1;
  if (left_out_ != 0) Print(fmt::format("ward: {} lines were left out\n", left_out_));
  left_out_ = 0;
  Print(fmt::format("ward: {}: {}\n", device, line));
}

}  // namespace ward::emulator
