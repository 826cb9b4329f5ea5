// What libraries take for a picture that nobody protects. There when the build found libyuv-dev.
#ifndef WARD_TESTS_BENCH_CHIP_PICTURE_SUBJECT_H_
#define WARD_TESTS_BENCH_CHIP_PICTURE_SUBJECT_H_

#include <memory>
#include <vector>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Kind "libyuv", in ordinary memory:
//   "convert_<picture>": ns, NV12 to XRGB
//   "scale": ns, 1080p to 720p as the chip does it: converted, then scaled, bilinear;
//   "scale_first": the other way round, which is less work and another picture
//   "frame_<picture>": frames a second that OpenSSL decrypts and libyuv converts
// No subject where there is no libyuv.
std::vector<std::unique_ptr<Subject>> MakePictureSubjects();

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_PICTURE_SUBJECT_H_
