// A buffer that SubmitBuffers got, from whichever of the DDI's three descriptions.
#ifndef WARD_UMD_DECODER_BUFFER_H_
#define WARD_UMD_DECODER_BUFFER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "umd/crypto_session.h"
#include "umd/ddi/hardware_protection.h"
#include "umd/ddi/video_decoder.h"

namespace ward::umd {

class Device;
class Resource;

using SubSampleBlock = D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

// A copy of all that the description says and points to: the application may write it anew while
// it is worked on, and what was checked is what is used. Empty, and good for nothing, until Fetch.
class DecoderBuffer {
 public:
  // Reads the description once. False without memory for the copy.
  bool Fetch(Device* device, const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC& description);
  bool Fetch(Device* device, const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1& description);
  bool Fetch(Device* device, const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC& description);

  // Null when all holds that can be told from the buffer alone; else what does not, in words.
  const char* FindFault() const;

  // Null when the handle is no resource of the device.
  const Resource* resource() const { return resource_; }
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type() const { return type_; }
  bool is_bitstream() const { return type_ == D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM; }
  uint32_t offset() const { return offset_; }  // bytes
  uint32_t size_bytes() const { return size_bytes_; }

  // The buffer's own pIV says whether it is encrypted (R8).
  bool is_encrypted() const { return is_encrypted_; }
  const uint8_t* iv() const { return iv_; }  // kKeyBytes
  // Null when all of an encrypted buffer is.
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern() const {
    return has_pattern_ ? &pattern_ : nullptr;
  }

  // Encrypted by sub-samples; without a list of the application's the buffer is one of them.
  bool has_sub_samples() const { return is_encrypted() && (has_list_ || has_stripe()); }
  std::span<const SubSampleBlock> sub_samples() const;
  uint32_t stripe_encrypted_blocks() const { return stripe_encrypted_blocks_; }
  uint32_t stripe_clear_blocks() const { return stripe_clear_blocks_; }

 private:
  // What all descriptions have.
  template <typename Description>
  void FetchCommon(Device* device, const Description& description);
  bool has_stripe() const { return stripe_encrypted_blocks_ != 0 || stripe_clear_blocks_ != 0; }
  bool FetchList(const SubSampleBlock* blocks, uint32_t count);
  const char* FindPlaceFault() const;
  const char* FindCipherFault() const;
  const char* FindSubSampleFault() const;

  const Resource* resource_ = nullptr;
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type_ = {};
  uint32_t offset_ = 0;
  uint32_t size_bytes_ = 0;
  bool is_encrypted_ = false;
  uint8_t iv_[kKeyBytes] = {};
  uint32_t iv_bytes_ = 0;  // as said; the copy is there when they are kKeyBytes
  bool has_pattern_ = false;
  D3D11_1DDI_ENCRYPTED_BLOCK_INFO pattern_ = {};
  bool has_list_ = false;
  bool list_is_there_ = false;
  SubSampleBlock whole_ = {};               // when there is no list
  std::unique_ptr<SubSampleBlock[]> list_;  // null too when the list is longer than a command's
  uint32_t list_count_ = 0;
  uint32_t stripe_encrypted_blocks_ = 0;
  uint32_t stripe_clear_blocks_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_DECODER_BUFFER_H_
