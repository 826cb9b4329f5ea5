// What a device costs before it does anything.
#ifndef WARD_TESTS_BENCH_CHIP_DEVICE_SUBJECT_H_
#define WARD_TESTS_BENCH_CHIP_DEVICE_SUBJECT_H_

#include <memory>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Kind "device", with the memory that is the default:
//   "start": ns from nothing until the firmware is ready, its identity's key checked as for a host
//   that has just read it; "start_again": with a key that was checked before
//   "resident": MiB that one more idle device adds to the process; the first one of a process also
//   brings what all of them share. "committed": what the process may come to use for it, counted as
//   the kernel does for overcommit. Devices made for them stay.
std::unique_ptr<Subject> MakeDeviceSubject();

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_DEVICE_SUBJECT_H_
