#include "device/locked_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/secret_bytes.h"

namespace ward::device {
namespace {

size_t RoundUpToPages(size_t size_bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (size_bytes + page - 1) / page * page;
}

}  // namespace

LockedPages::LockedPages(size_t size_bytes) : size_bytes_(RoundUpToPages(size_bytes)) {
  data_ = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  WARD_ASSERT(data_ != MAP_FAILED);
  // Each is the best that the host offers; none is needed for the chip to work.
  static_cast<void>(mlock(data_, size_bytes_));
  static_cast<void>(madvise(data_, size_bytes_, MADV_DONTDUMP));
  static_cast<void>(madvise(data_, size_bytes_, MADV_WIPEONFORK));
}

LockedPages::~LockedPages() {
  SecureWipe(data_, size_bytes_);
  munmap(data_, size_bytes_);
}

}  // namespace ward::device
