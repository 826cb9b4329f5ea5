// Every command and security message as a packet, for Wireshark: abi/generated/ward.lua reads them.
// Nothing secret is in it: what the contract does not mark as `captured` is zero.
#ifndef WARD_EMULATOR_BOUNDARY_PACKET_CAPTURE_H_
#define WARD_EMULATOR_BOUNDARY_PACKET_CAPTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "emulator/boundary/observer.h"
#include "emulator/boundary/pcapng_writer.h"

namespace ward::emulator {

// The bytes of `packet` that may be kept; the others are zero, and what follows the last that may
// is left out.
std::vector<uint8_t> FilterPacket(const TracePacket& packet);

class PacketCapture final : public Observer {
 public:
  explicit PacketCapture(uint64_t maximum_bytes) : writer_(maximum_bytes) {}
  bool Open(const std::string& path) {
    path_ = path;
    return writer_.Open(path);
  }

  void OnBoundary(const BoundaryEvent& event, uint64_t now_ns) override;
  void OnTrace(const TraceEvent& event, uint64_t now_ns) override;
  void OnPacket(const TracePacket& packet, uint64_t now_ns) override;
  std::string Trouble() const override;

 private:
  PcapngWriter writer_;
  std::string path_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_PACKET_CAPTURE_H_
