#include "umd/answer_buffer.h"

#include <cstring>

#include "abi/generated/pci.h"
#include "umd/allocation_data.h"

namespace ward::umd {

namespace {
constexpr uint32_t kSizeBytes = 2 * abi::kPageSize;
static_assert(AnswerBuffer::kResponseBytes <= AnswerBuffer::kCounterBlockOffset);
static_assert(AnswerBuffer::kCounterBlockOffset + AnswerBuffer::kCounterBlockBytes <= kSizeBytes);
}  // namespace

HRESULT AnswerBuffer::Open() {
  return kernel_->Allocate(MakeAllocationData(Segment::kSystem, kSizeBytes), nullptr, &allocation_);
}

void AnswerBuffer::Close() {
  if (allocation_ != 0) kernel_->Free(nullptr, allocation_);
  allocation_ = 0;
}

HRESULT AnswerBuffer::Clear(uint32_t offset, uint32_t size_bytes) {
  uint8_t* bytes = nullptr;
  if (const HRESULT result = Lock(kLockWriteOnly, &bytes); FAILED(result)) return result;
  std::memset(bytes + offset, 0, size_bytes);
  kernel_->Unlock(allocation_);
  return S_OK;
}

HRESULT AnswerBuffer::Read(uint32_t offset, ByteSpan bytes) {
  uint8_t* source = nullptr;
  if (const HRESULT result = Lock(kLockReadOnly, &source); FAILED(result)) return result;
  std::memcpy(bytes.data(), source + offset, bytes.size());
  kernel_->Unlock(allocation_);
  return S_OK;
}

HRESULT AnswerBuffer::Lock(UINT flags, uint8_t** bytes) {
  if (const HRESULT result = writer_->FlushUsesOf(allocation_); FAILED(result)) return result;
  void* data = nullptr;
  const HRESULT result = kernel_->Lock(allocation_, flags, &data);
  *bytes = static_cast<uint8_t*>(data);
  return result;
}

}  // namespace ward::umd
