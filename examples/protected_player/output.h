// Where the player writes what it got back: a file or a disk.
//
//   offset 0    the recovered frames, each padded to whole blocks of 4096 bytes, as in the job
//   behind it   what the CPU saw of the last picture: width x height XRGB8888, rows without padding
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_OUTPUT_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_OUTPUT_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace ward::examples {

class Output {
 public:
  // Throws StepFailure (step "output") when the file can't be written, as do the others.
  explicit Output(const std::string& path);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void Write(uint64_t offset, ConstByteSpan bytes);
  // Everything is on the disk when it returns.
  void Finish();

 private:
  [[noreturn]] void Refuse(const std::string& text) const;

  std::string path_;
  int file_;
};

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_OUTPUT_H_
