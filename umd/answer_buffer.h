// A little system memory that the device answers into: message responses, and the counter block of
// a read-back.
#ifndef WARD_UMD_ANSWER_BUFFER_H_
#define WARD_UMD_ANSWER_BUFFER_H_

#include <cstdint>

#include "base/bytes.h"
#include "umd/command_writer.h"
#include "umd/kernel_device.h"

namespace ward::umd {

class AnswerBuffer {
 public:
  static constexpr uint32_t kResponseOffset = 0;
  static constexpr uint32_t kResponseBytes = 4096;
  static constexpr uint32_t kCounterBlockOffset = 4096;
  static constexpr uint32_t kCounterBlockBytes = 16;

  AnswerBuffer(KernelDevice* kernel, CommandWriter* writer) : kernel_(kernel), writer_(writer) {}

  HRESULT Open();
  void Close();

  D3DKMT_HANDLE allocation() const { return allocation_; }
  // Zeros bytes, so that what is read later is known to be new.
  HRESULT Clear(uint32_t offset, uint32_t size_bytes);
  // Submits, waits for the device and copies bytes.
  HRESULT Read(uint32_t offset, ByteSpan bytes);

 private:
  HRESULT Lock(UINT flags, uint8_t** bytes);

  KernelDevice* kernel_;
  CommandWriter* writer_;
  D3DKMT_HANDLE allocation_ = 0;
};

}  // namespace ward::umd

#endif  // WARD_UMD_ANSWER_BUFFER_H_
