// What a hostile client has in its hands: one descriptor of each kind, made when it is first
// wanted, and its memory.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_HOSTILE_DESCRIPTORS_H_
#define WARD_TESTS_FUZZ_VFIO_USER_HOSTILE_DESCRIPTORS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "tests/fuzz/vfio_user/wire_script.h"

namespace ward::fuzz {

class HostileDescriptors {
 public:
  // Never -1, but for kNone, kVram and kSocket, which the client has itself.
  int Get(DescriptorKind kind);
  // Bytes of the memory; what lies outside of the file is zeros, and goes nowhere.
  std::vector<uint8_t> Read(uint64_t offset, uint64_t size);
  void Write(uint64_t offset, ConstByteSpan bytes);
  void Cut(uint64_t size);

 private:
  static FileDescriptor Make(DescriptorKind kind, int memory);

  std::array<FileDescriptor, static_cast<size_t>(DescriptorKind::kLast) + 1> made_;
  std::vector<FileDescriptor> fresh_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_HOSTILE_DESCRIPTORS_H_
