// A buffer that SubmitBuffers got, from whichever of the DDI's three descriptions.
#ifndef WARD_UMD_DECODER_BUFFER_H_
#define WARD_UMD_DECODER_BUFFER_H_

#include <cstdint>
#include <span>

#include "umd/ddi/hardware_protection.h"
#include "umd/ddi/video_decoder.h"

namespace ward::umd {

class Device;
class Resource;

using SubSampleBlock = D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

// Points into the description, which outlives it.
class DecoderBuffer {
 public:
  DecoderBuffer(Device* device, const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC& description);
  DecoderBuffer(Device* device, const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1& description);
  DecoderBuffer(Device* device, const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC& description);

  // Null when all holds that can be told from the buffer alone; else what does not, in words.
  const char* FindFault() const;

  // Null when the handle is no resource of the device.
  const Resource* resource() const { return resource_; }
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type() const { return type_; }
  bool is_bitstream() const { return type_ == D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM; }
  uint32_t offset() const { return offset_; }  // bytes
  uint32_t size_bytes() const { return size_bytes_; }

  // The buffer's own pIV says whether it is encrypted (R8).
  bool is_encrypted() const { return iv_ != nullptr; }
  const uint8_t* iv() const { return iv_; }  // kKeyBytes
  // Null when all of an encrypted buffer is.
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern() const { return pattern_; }

  // Encrypted by sub-samples; without a list of the application's the buffer is one of them.
  bool has_sub_samples() const { return is_encrypted() && (has_list_ || has_stripe()); }
  std::span<const SubSampleBlock> sub_samples() const;
  uint32_t stripe_encrypted_blocks() const { return stripe_encrypted_blocks_; }
  uint32_t stripe_clear_blocks() const { return stripe_clear_blocks_; }

 private:
  // What all descriptions have.
  struct CommonFields {};
  template <typename Description>
  DecoderBuffer(Device* device, const Description& description, CommonFields);

  bool has_stripe() const { return stripe_encrypted_blocks_ != 0 || stripe_clear_blocks_ != 0; }
  void SetList(const SubSampleBlock* blocks, uint32_t count);
  const char* FindPlaceFault() const;
  const char* FindCipherFault() const;
  const char* FindSubSampleFault() const;

  const Resource* resource_ = nullptr;
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE type_;
  uint32_t offset_;
  uint32_t size_bytes_;
  const uint8_t* iv_;
  uint32_t iv_bytes_;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO* pattern_ = nullptr;
  bool has_list_ = false;
  SubSampleBlock whole_ = {};  // when there is no list
  const SubSampleBlock* list_ = nullptr;
  uint32_t list_count_ = 0;
  uint32_t stripe_encrypted_blocks_ = 0;
  uint32_t stripe_clear_blocks_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_DECODER_BUFFER_H_
