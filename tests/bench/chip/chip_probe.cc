// Figures of the chip in this very process, and of what they are held against
// (docs/performance.md).
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "tests/bench/attachments/probe.h"
#include "tests/bench/chip/chip_subject.h"
#include "tests/bench/chip/cipher_subject.h"
#include "tests/bench/chip/device_subject.h"
#include "tests/bench/chip/key_subject.h"
#include "tests/bench/chip/picture_subject.h"

int main() {
  try {
    auto subjects = ward::bench::MakeCipherSubjects();
    for (auto& subject : ward::bench::MakePictureSubjects()) subjects.push_back(std::move(subject));
    subjects.push_back(ward::bench::MakeKeySubject());
    subjects.push_back(ward::bench::MakeDeviceSubject());
    subjects.push_back(ward::bench::MakeChipSubject());
    if (auto workers = ward::bench::MakeWorkersSubject()) subjects.push_back(std::move(workers));
    return ward::bench::RunProbe(subjects);
  } catch (const std::exception& error) {
    std::printf("failed %s\n", error.what());
    return 1;
  }
}
