// Key exchange by libcrypto alone.
#ifndef WARD_TESTS_BENCH_CHIP_KEY_SUBJECT_H_
#define WARD_TESTS_BENCH_CHIP_KEY_SUBJECT_H_

#include <memory>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Kind "rsa": "exchange", decryptions a second of an RSA-2048 blob by EVP_PKEY_decrypt, OAEP with
// SHA-512 and MGF1-SHA-512, under the chip's own key.
std::unique_ptr<Subject> MakeKeySubject();

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_KEY_SUBJECT_H_
