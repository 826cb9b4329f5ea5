// AES-128-CTR by itself: the chip's own block, and what libraries do with the same bytes.
#ifndef WARD_TESTS_BENCH_CHIP_CIPHER_SUBJECT_H_
#define WARD_TESTS_BENCH_CHIP_CIPHER_SUBJECT_H_

#include <memory>
#include <vector>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Figures of each: "decrypt_<bytes>", MiB/s from one buffer to another. Kinds:
//   "wide", "libcrypto": the chip's block (device/crypto/ctr_engine.h) both ways, key expanded
//   before; "wide" also "one_block" and "two_blocks", MiB/s of 64 KiB pieces on one thread and on
//   two together
//   "evp": OpenSSL, key and IV for each call; "evp_iv": IV alone. "evp" also "pattern_<bytes>": in
//   place, an update for each encrypted run
//   "gcrypt", "nettle": keyed before, where the build found them
// "wide" is missing where the block has no wider way than libcrypto.
std::vector<std::unique_ptr<Subject>> MakeCipherSubjects();

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_CIPHER_SUBJECT_H_
