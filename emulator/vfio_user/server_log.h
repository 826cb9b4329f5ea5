// What a server says to its operator, one line at a time, on standard error. Clients cause most
// lines, so there is a limit on how many; what is left out is counted.
#ifndef WARD_EMULATOR_VFIO_USER_SERVER_LOG_H_
#define WARD_EMULATOR_VFIO_USER_SERVER_LOG_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace ward::emulator {

class ServerLog {
 public:
  // Thread-safe.
  void Write(const std::string& device, const std::string& line);

 private:
  static constexpr int kBurst = 50;        // lines at once
  static constexpr int kLinesASecond = 5;  // in the long run

  std::mutex lock_;
  double tokens_ = kBurst;
  std::chrono::steady_clock::time_point filled_ = std::chrono::steady_clock::now();
  uint64_t left_out_ = 0;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_SERVER_LOG_H_
