#include "tests/vm/polled_port.h"

#include <sys/io.h>

#include <climits>

namespace ward::test {
namespace {

// Registers of a 16550A and bits of its line status.
constexpr int kData = 0;
constexpr int kInterruptEnable = 1;
constexpr int kLineStatus = 5;
constexpr int kRegisterCount = 8;
constexpr uint8_t kDataReady = 0x01;
constexpr uint8_t kCanTakeData = 0x20;

// Each look takes QEMU's big lock, and so does each "pause" of the processor: between two looks
// there are some 20 us of neither, in which the others get it.
constexpr int kTurnsPerLook = 16'000;
constexpr int kLooksForLine = 50'000;

}  // namespace

bool PolledPort::Take() {
  if (is_taken_) return true;
  if (::ioperm(base_, kRegisterCount, 1) != 0) return false;
  interrupts_ = Read(kInterruptEnable);
  Write(kInterruptEnable, 0);
  is_taken_ = true;
  return true;
}

void PolledPort::Release() {
  if (is_taken_) Write(kInterruptEnable, interrupts_);
  is_taken_ = false;
}

bool PolledPort::ReadLine(std::string* line) {
  line->clear();
  if (!WaitFor(kDataReady, kLooksForLine)) return false;
  while (true) {
    if (!WaitFor(kDataReady, INT_MAX)) continue;
    const char next = static_cast<char>(Read(kData));
    if (next == '\n') return true;
    line->push_back(next);
  }
}

void PolledPort::Write(std::string_view text) {
  for (const char next : text) {
    while (!WaitFor(kCanTakeData, INT_MAX)) continue;
    Write(kData, static_cast<uint8_t>(next));
  }
}

uint8_t PolledPort::Read(int which) const { return ::inb(static_cast<uint16_t>(base_ + which)); }

void PolledPort::Write(int which, uint8_t value) const {
  ::outb(value, static_cast<uint16_t>(base_ + which));
}

bool PolledPort::WaitFor(uint8_t condition, int looks) const {
  for (int look = 0; look < looks; ++look) {
    if ((Read(kLineStatus) & condition) != 0) return true;
    for (int turn = 0; turn < kTurnsPerLook; ++turn) asm volatile("");
  }
  return false;
}

}  // namespace ward::test
