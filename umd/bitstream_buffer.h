// Where a decoder gathers the bitstream of a frame: protected memory of the driver's own, which the
// application can't name.
#ifndef WARD_UMD_BITSTREAM_BUFFER_H_
#define WARD_UMD_BITSTREAM_BUFFER_H_

#include <cstdint>

#include "base/bytes.h"
#include "umd/ddi/handles.h"
#include "umd/ddi/windows_types.h"

namespace ward::umd {

class Device;
class DecoderBuffer;

// What a frame's encrypted buffers are decrypted with.
struct FrameKey {
  uint32_t session = 0;  // the device's number for it; 0: there is none with a key
  bool uses_content_key = false;
};

class BitstreamBuffer {
 public:
  explicit BitstreamBuffer(Device* device) : device_(device) {}
  BitstreamBuffer(const BitstreamBuffer&) = delete;
  BitstreamBuffer& operator=(const BitstreamBuffer&) = delete;

  void SetCapacity(uint32_t capacity_bytes) { capacity_bytes_ = capacity_bytes; }
  // Empties it for a frame. Pages that another session filled are given back first: a frame has one
  // owner.
  HRESULT Begin(const FrameKey& key);
  // Puts the bytes of a checked buffer behind those that are there: decrypted, or as they are.
  HRESULT Append(const DecoderBuffer& buffer);
  // Copies the frame to the beginning of another protected allocation.
  HRESULT CopyTo(D3DKMT_HANDLE destination);
  void Free();

  bool HasRoomFor(uint64_t size_bytes) const { return size_bytes <= capacity_bytes_ - used_bytes_; }
  uint32_t used_bytes() const { return used_bytes_; }

 private:
  HRESULT AppendCopy(D3DKMT_HANDLE destination, uint32_t destination_offset, D3DKMT_HANDLE source,
                     uint32_t source_offset, uint32_t size_bytes);
  HRESULT AppendDecrypt(const DecoderBuffer& buffer);
  HRESULT AppendSample(const DecoderBuffer& buffer);
  template <typename Command>
  HRESULT AppendFrom(const DecoderBuffer& buffer, Command command, ConstByteSpan payload);

  Device* device_;
  FrameKey key_;
  D3DKMT_HANDLE allocation_ = 0;
  uint32_t capacity_bytes_ = 0;
  uint32_t used_bytes_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_BITSTREAM_BUFFER_H_
