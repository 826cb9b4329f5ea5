// Host memory for key material: kept out of swap and of core dumps, zero in a forked child, wiped
// before it is given back. Private to the device.
#ifndef WARD_DEVICE_LOCKED_PAGES_H_
#define WARD_DEVICE_LOCKED_PAGES_H_

#include <cstddef>

namespace ward::device {

class LockedPages {
 public:
  // Zeroed pages with room for `size_bytes`. A host that refuses to lock more memory
  // (RLIMIT_MEMLOCK) still gives pages: keys could then reach its swap (docs/security-model.md).
  explicit LockedPages(size_t size_bytes);
  ~LockedPages();
  LockedPages(const LockedPages&) = delete;
  LockedPages& operator=(const LockedPages&) = delete;

  void* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  void* data_;
  size_t size_bytes_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_LOCKED_PAGES_H_
