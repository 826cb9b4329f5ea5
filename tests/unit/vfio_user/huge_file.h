// A file of huge pages, as a client may send one.
#ifndef WARD_TESTS_UNIT_VFIO_USER_HUGE_FILE_H_
#define WARD_TESTS_UNIT_VFIO_USER_HUGE_FILE_H_

#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdint>

#include "base/file_descriptor.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::test {

// Of no bytes yet, with pages of 2 MiB, or whatever the host's huge pages have; there need not be
// one. Skips the case where the kernel has none.
inline FileDescriptor MakeHugeFile(uint64_t* page_bytes) {
  FileDescriptor file(memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB));
  struct stat status{};
  if (!file.valid() || fstat(file.get(), &status) != 0) SKIP("this kernel has no huge pages");
  *page_bytes = static_cast<uint64_t>(status.st_blksize);
  return file;
}

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_HUGE_FILE_H_
