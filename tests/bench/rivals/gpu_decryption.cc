#include "tests/bench/rivals/gpu_decryption.h"

#include <cstring>

#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Protected memory keeps what was there: another IV makes other bytes of it.
void GpuDecryption::Prepare(size_t bytes) {
  DrainInterrupts(session_->function());
  std::memset(session_->target().data(), 0, bytes);
  if (target_ == GpuSession::Target::kProtected) {
    session_->Decrypt(Block{}, bytes, target_, GpuSession::Wait::kPolls);
  }
}

void GpuDecryption::Decrypt(size_t bytes) {
  session_->Decrypt(message().iv(), bytes, target_, wait_);
}

void GpuDecryption::Check(size_t bytes) {
  session_->CheckNoRefusal();
  if (target_ == GpuSession::Target::kProtected) {
    message().Check(session_->ReadBack(bytes));
  } else {
    message().Check(session_->target().first(bytes));
  }
}

}  // namespace ward::bench
