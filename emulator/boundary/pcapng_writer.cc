#include "emulator/boundary/pcapng_writer.h"

#include <vector>

namespace ward::emulator {
namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint16_t kLinkTypeUser0 = 147;
constexpr uint16_t kOptionEnd = 0;
constexpr uint16_t kOptionInterfaceName = 2;
constexpr uint16_t kOptionTimeResolution = 9;
constexpr uint8_t kNanoseconds = 9;  // ten to the power of minus this, in seconds

// One block: type and length in front, padded content, the length again behind.
class Block {
 public:
  explicit Block(uint32_t type) {
    Add(type);
    Add(uint32_t{0});
  }
  template <typename T>
  void Add(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    StoreLe(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  void AddPadded(ConstByteSpan content) {
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }
  void AddOption(uint16_t code, ConstByteSpan content) {
    Add(code);
    Add(static_cast<uint16_t>(content.size()));
    AddPadded(content);
  }
  const std::vector<uint8_t>& Finish() {
    Add(uint32_t{0});
    const auto length = static_cast<uint32_t>(bytes_.size());
    StoreLe(bytes_.data() + sizeof(uint32_t), length);
    StoreLe(bytes_.data() + length - sizeof(uint32_t), length);
    return bytes_;
  }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace

bool PcapngWriter::Open(const std::string& path) {
  if (!file_.Open(path, BoundedFile::Access::kPrivate)) return false;
  Block section(kSectionHeader);
  section.Add(kByteOrderMagic);
  section.Add(uint16_t{1});  // major version
  section.Add(uint16_t{0});  // minor version
  section.Add(UINT64_MAX);   // the section's length is not told
  Block interface(kInterfaceDescription);
  interface.Add(kLinkTypeUser0);
  interface.Add(uint16_t{0});
  interface.Add(uint32_t{0});  // packets are not cut
  constexpr uint8_t kName[] = {'w', 'a', 'r', 'd'};
  interface.AddOption(kOptionInterfaceName, kName);
  constexpr uint8_t kResolution[] = {kNanoseconds};
  interface.AddOption(kOptionTimeResolution, kResolution);
  interface.AddOption(kOptionEnd, {});
  return file_.Write(section.Finish()) && file_.Write(interface.Finish());
}

bool PcapngWriter::Write(uint64_t time_ns, ConstByteSpan packet, uint32_t original_bytes) {
  Block block(kEnhancedPacket);
  block.Add(uint32_t{0});  // the interface
  block.Add(static_cast<uint32_t>(time_ns >> 32));
  block.Add(static_cast<uint32_t>(time_ns));
  block.Add(static_cast<uint32_t>(packet.size()));
  block.Add(original_bytes);
  block.AddPadded(packet);
  return file_.Write(block.Finish());
}

}  // namespace ward::emulator
