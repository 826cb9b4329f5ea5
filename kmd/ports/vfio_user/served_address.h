// Where a device is served, as people write it.
#ifndef WARD_KMD_PORTS_VFIO_USER_SERVED_ADDRESS_H_
#define WARD_KMD_PORTS_VFIO_USER_SERVED_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace ward::kmd {

struct ServedAddress {
  static constexpr uint32_t kDefaultTimeoutMs = 5000;

  bool is_tcp = false;
  std::string path;          // of the UNIX socket
  std::string host;          // a number, never a name: nothing is looked up
  uint16_t port = 0;         // not 0
  std::string key_file;      // of the pre-shared key; empty: the server has none
  bool by_messages = false;  // no descriptor passes: DMA, interrupts and BARs go by messages
  uint32_t timeout_ms = kDefaultTimeoutMs;  // of the connection and of each reply

  // Whether `where` begins as the address of a served device does.
  static bool IsOne(const std::string& where);

  // "vfio-user:PATH[,messages][,timeout=MS]" or "tcp:HOST:PORT[,key=FILE][,timeout=MS]", where HOST
  // is "localhost", "127.0.0.1" or "[::1]". A path ends at its first comma. Nothing, with `error`,
  // for anything else.
  static std::optional<ServedAddress> Parse(const std::string& where, std::string* error);
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_SERVED_ADDRESS_H_
