#include "device/copy_engine.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "device/bounce_buffer.h"
#include "device/flow_rule.h"
#include "device/row_layout.h"

namespace ward::device {
namespace {

constexpr uint64_t kMaximumTransferBytes = 256ull << 20;
// A short row costs about as much as this many bytes of a long one.
constexpr uint64_t kLeastSliceCostBytes = 256;

Result<void> CheckTransferSize(uint32_t row_bytes, uint32_t row_count) {
  if (uint64_t{row_bytes} * row_count <= kMaximumTransferBytes) return {};
  return Fault{abi::kStatusOperandInvalid, "a transfer of more than 256 MiB"};
}

bool Overlap(uint64_t first, uint64_t first_size, uint64_t second, uint64_t second_size) {
  return first <= second ? second - first < first_size : first - second < second_size;
}

// The rows of a checked command, source and destination alike: `row_bytes` and `row_count` agree.
struct Rows {
  RowLayout destination;
  RowLayout source;
  uint32_t fill_value = 0;

  bool is_backward = false;  // last byte first: the destination begins inside the source

  bool IsContiguous() const { return destination.IsContiguous() && source.IsContiguous(); }
  uint64_t TotalBytes() const { return destination.row_bytes() * destination.row_count(); }
};

Result<Rows> RowsOf(const EngineJob& job) {
  if (job.kind == EngineJob::Kind::kFill) {
    const auto fill = job.As<abi::FillCommand>();
    WARD_ASSIGN_OR_RETURN(const RowLayout layout,
                          RowLayout::Make(fill.row_bytes, fill.row_count, fill.destination_pitch));
    return Rows{layout, layout, fill.value};
  }
  const auto copy = job.As<abi::CopyCommand>();
  WARD_ASSIGN_OR_RETURN(const RowLayout destination,
                        RowLayout::Make(copy.row_bytes, copy.row_count, copy.destination_pitch));
  WARD_ASSIGN_OR_RETURN(const RowLayout source,
                        RowLayout::Make(copy.row_bytes, copy.row_count, copy.source_pitch));
  const bool overlap =
      Overlap(copy.destination, destination.ExtentBytes(), copy.source, source.ExtentBytes());
  // At one pitch every byte moves by the same distance, so that one order of all bytes reads each
  // before it is written. At two there is none in general.
  if (overlap && destination.row_count() > 1 && destination.pitch() != source.pitch()) {
    return Fault{abi::kStatusOperandInvalid, "COPY between ranges that overlap, at two pitches",
                 copy.destination};
  }
  return Rows{destination, source, 0, overlap && copy.destination > copy.source};
}

// The next bytes to move: never across the end of a row unless the rows lie end to end.
struct Slice {
  uint64_t destination_offset;
  uint64_t source_offset;
  uint64_t offset_in_row;
  uint64_t size_bytes;
};

Slice NextSlice(const Rows& rows, uint64_t done, uint64_t limit) {
  const uint64_t row_bytes = rows.destination.row_bytes();
  const uint64_t left = rows.TotalBytes() - done;
  // Forward: from `done` on. Backward: what ends `done` bytes before the end.
  const uint64_t row = (rows.is_backward ? left - 1 : done) / row_bytes;
  const uint64_t left_in_row =
      rows.is_backward ? left - row * row_bytes : row_bytes - done % row_bytes;
  const uint64_t size = std::min(rows.IsContiguous() ? left : left_in_row, limit);
  const uint64_t first = rows.is_backward ? left - size : done;
  const uint64_t first_row = first / row_bytes;
  const uint64_t offset = first % row_bytes;
  return {first_row * rows.destination.pitch() + offset, first_row * rows.source.pitch() + offset,
          offset, size};
}

// Fills `bytes` with the value as it stands `offset` bytes after a row's first byte.
void FillPattern(ByteSpan bytes, uint32_t value, uint64_t offset, uint64_t row_bytes) {
  uint8_t pattern[4];
  StoreLe<uint32_t>(pattern, value);
  if (value == pattern[0] * 0x01010101u) {
    std::memset(bytes.data(), pattern[0], bytes.size());
    return;
  }
  while (!bytes.empty()) {
    const uint64_t size = std::min<uint64_t>(bytes.size(), row_bytes - offset);
    const uint32_t from_here = std::rotr(value, static_cast<int>(offset % sizeof(value) * 8));
    const uint64_t whole = size / sizeof(value) * sizeof(value);
    for (uint64_t at = 0; at < whole; at += sizeof(value)) StoreLe(&bytes[at], from_here);
    for (uint64_t at = whole; at < size; ++at) bytes[at] = pattern[(offset + at) % sizeof(pattern)];
    bytes = bytes.subspan(size);
    offset = 0;
  }
}

// The flow rule holds for every queue.
bool IsExempt(const EngineJob& job) {
  return HasPlantedBug(PlantedBug::kKernelCopiesOut) && job.context == abi::kKernelContext;
}

}  // namespace

Result<EngineJob> CopyEngine::Begin(const abi::CopyCommand& command, const AddressSpace& space) {
  EngineJob job = EngineJob::Of(EngineJob::Kind::kCopy, command, space.context());
  WARD_TRY(CheckTransferSize(command.row_bytes, command.row_count));
  WARD_ASSIGN_OR_RETURN(const Rows rows, RowsOf(job));
  WARD_ASSIGN_OR_RETURN(
      job.destination,
      space.Translate(command.destination, rows.destination.ExtentBytes(), Access::kWrite));
  WARD_ASSIGN_OR_RETURN(job.source,
                        space.Translate(command.source, rows.source.ExtentBytes(), Access::kRead));
  const GuestRange source = rows.source.Touched(job.source);
  const GuestRange destination = rows.destination.Touched(job.destination);
  if (!IsExempt(job)) {
    WARD_ASSIGN_OR_RETURN(job.owner,
                          flow_rule::CheckTransfer(*memory_, &source, nullptr, destination));
  }
  // The whole destination changes hands at once: a page may get its bytes from several slices, and
  // one that comes later must not zero an earlier one.
  memory_->TakeOwnership(destination, job.owner);
  return job;
}

Result<EngineJob> CopyEngine::Begin(const abi::FillCommand& command, const AddressSpace& space) {
  EngineJob job = EngineJob::Of(EngineJob::Kind::kFill, command, space.context());
  WARD_TRY(CheckTransferSize(command.row_bytes, command.row_count));
  WARD_ASSIGN_OR_RETURN(const Rows rows, RowsOf(job));
  WARD_ASSIGN_OR_RETURN(
      job.destination,
      space.Translate(command.destination, rows.destination.ExtentBytes(), Access::kWrite));
  WARD_TRY(flow_rule::CheckTransfer(*memory_, nullptr, nullptr,
                                    rows.destination.Touched(job.destination)));
  if (space.context() == abi::kKernelContext) ReleaseFilledPages(job, rows.destination);
  return job;
}

Result<bool> CopyEngine::Step(EngineJob* job, uint64_t budget_bytes) {
  WARD_ASSIGN_OR_RETURN(const Rows rows, RowsOf(*job));
  const bool is_fill = job->kind == EngineJob::Kind::kFill;
  const uint64_t total = rows.TotalBytes();
  uint64_t budget = std::max(budget_bytes, kLeastStepBytes);
  BounceBuffer buffer(std::min({total, budget, uint64_t{BounceBuffer::kMaximumSliceBytes}}));
  while (budget != 0 && job->done < total) {
    const Slice slice =
        NextSlice(rows, job->done, std::min<uint64_t>(budget, buffer.bytes().size()));
    const ByteSpan bytes = buffer.bytes().first(slice.size_bytes);
    const GuestRange destination =
        job->destination.Slice(slice.destination_offset, slice.size_bytes);
    if (is_fill) {
      WARD_TRY(flow_rule::CheckTransfer(*memory_, nullptr, nullptr, destination));
      FillPattern(bytes, rows.fill_value, slice.offset_in_row, rows.destination.row_bytes());
    } else {
      const GuestRange source = job->source.Slice(slice.source_offset, slice.size_bytes);
      PageOwner owner = kNoOwner;
      if (!IsExempt(*job)) {
        WARD_ASSIGN_OR_RETURN(owner, flow_rule::CheckPartOfTransfer(*memory_, &source, nullptr,
                                                                    destination, job->owner));
      }
      if (source.AnyProtected()) buffer.MarkSecret();
      WARD_TRY(memory_->Read(source, bytes));
      memory_->TakeOwnership(destination, owner);
    }
    WARD_TRY(memory_->Write(destination, bytes));
    job->done += slice.size_bytes;
    const uint64_t least = HasPlantedBug(PlantedBug::kNarrowRowsFree) ? 0 : kLeastSliceCostBytes;
    budget -= std::min(budget, std::max(slice.size_bytes, least));
  }
  return job->done == total;
}

bool CopyEngine::CanResume(const EngineJob& job) const {
  const auto rows = RowsOf(job);
  if (!rows.ok() || rows.value().TotalBytes() > kMaximumTransferBytes) return false;
  const uint64_t source_bytes =
      job.kind == EngineJob::Kind::kFill ? 0 : rows.value().source.ExtentBytes();
  return job.done <= rows.value().TotalBytes() && memory_->Holds(job.destination) &&
         memory_->Holds(job.source) &&
         job.destination.size_bytes() == rows.value().destination.ExtentBytes() &&
         job.source.size_bytes() == source_bytes;
}

// How the kernel scrubs memory before it hands it out (docs/spec/memory.md).
void CopyEngine::ReleaseFilledPages(const EngineJob& job, const RowLayout& rows) {
  if (rows.IsContiguous()) return memory_->ReleaseWholePages(job.destination);
  if (rows.row_bytes() < abi::kPageSize) return;
  for (uint64_t row = 0; row < rows.row_count(); ++row) {
    memory_->ReleaseWholePages(job.destination.Slice(row * rows.pitch(), rows.row_bytes()));
  }
}

}  // namespace ward::device
