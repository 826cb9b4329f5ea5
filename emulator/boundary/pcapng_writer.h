// A pcapng file with one interface (draft-ietf-opsawg-pcapng): a section header, an interface of
// link type USER0 whose time stamps are nanoseconds, and enhanced packet blocks.
#ifndef WARD_EMULATOR_BOUNDARY_PCAPNG_WRITER_H_
#define WARD_EMULATOR_BOUNDARY_PCAPNG_WRITER_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "emulator/boundary/bounded_file.h"

namespace ward::emulator {

class PcapngWriter {
 public:
  explicit PcapngWriter(uint64_t maximum_bytes) : file_(maximum_bytes) {}

  // Private to its owner. False when it can't be written.
  bool Open(const std::string& path);
  // `original_bytes` is what there was of it, at least `packet.size()`. False when the file is
  // full.
  bool Write(uint64_t time_ns, ConstByteSpan packet, uint32_t original_bytes);

  // As BoundedFile::trouble.
  const std::string& trouble() const { return file_.trouble(); }

 private:
  BoundedFile file_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_PCAPNG_WRITER_H_
