// The chip in this process, without a driver around it.
#ifndef WARD_TESTS_BENCH_CHIP_CHIP_SUBJECT_H_
#define WARD_TESTS_BENCH_CHIP_CHIP_SUBJECT_H_

#include <memory>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Kind "chip": commands through a ring, from the doorbell until the last of them is done.
//   "noop", "decrypts": commands a second; the latter of 64 bytes each, under a key that is in use
//   "decrypt_<bytes>": MiB/s, system memory to protected memory
//   "pattern_<bytes>": MiB/s of the whole buffer, of which the pattern is encrypted
//   "exchange": key exchanges a second
//   "convert_<picture>": ns, NV12 to XRGB in protected memory; "scale": with scaling, bilinear
//   "frame_<picture>": frames a second that are decrypted, converted and flipped
//   "one_engine", "two_engines": MiB/s of decrypts of 64 KiB, by one chip, and by two chips on two
//   threads together
std::unique_ptr<Subject> MakeChipSubject();
// Kind "open": "pattern_<bytes>" in place, which a chip with the switch open_decrypt does.
std::unique_ptr<Subject> MakeOpenSubject();
// Kind "workers": "decrypt_<bytes>" and "convert_<picture>" of a chip whose bulk work all
// processors share. Null where there is one.
std::unique_ptr<Subject> MakeWorkersSubject();

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_CHIP_SUBJECT_H_
