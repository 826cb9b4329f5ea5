// A serial port of the guest (16550A), taken from the kernel's driver for as long as nobody else
// uses it. A line through the kernel costs a guest that was just restored some 50 ms under TCG:
// interrupt, worker and the waking of a process are all translated anew.
#ifndef WARD_TESTS_VM_POLLED_PORT_H_
#define WARD_TESTS_VM_POLLED_PORT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace ward::test {

class PolledPort {
 public:
  // `base`: the first of its eight I/O ports.
  explicit PolledPort(uint16_t base) : base_(base) {}
  ~PolledPort() { Release(); }
  PolledPort(const PolledPort&) = delete;
  PolledPort& operator=(const PolledPort&) = delete;

  // Takes the port: the kernel hears no interrupt of it any more. All that was written through the
  // kernel has to have left. False where I/O ports are not to be had.
  bool Take();
  // Gives it back. Idempotent.
  void Release();
  bool is_taken() const { return is_taken_; }

  // The next line, without its end, into `*line`. False when none has begun for about a second;
  // what has begun is waited for.
  bool ReadLine(std::string* line);
  void Write(std::string_view text);

 private:
  uint8_t Read(int which) const;
  void Write(int which, uint8_t value) const;
  bool WaitFor(uint8_t condition, int looks) const;

  uint16_t base_;
  uint8_t interrupts_ = 0;  // what the kernel had enabled
  bool is_taken_ = false;
};

}  // namespace ward::test

#endif  // WARD_TESTS_VM_POLLED_PORT_H_
