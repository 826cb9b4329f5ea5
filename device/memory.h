// The three kinds of memory, by physical address. What is protected follows from the address alone.
#ifndef WARD_DEVICE_MEMORY_H_
#define WARD_DEVICE_MEMORY_H_

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "device/crypto/sealed_stream.h"
#include "device/load_extent.h"
#include "device/page_owners.h"
#include "device/page_set.h"
#include "device/ports.h"
#include "device/state_hasher.h"

namespace ward::device {

enum class Aperture : uint8_t { kSystem, kVisible, kProtected, kLast = kProtected };

// A contiguous piece of one aperture. Only Memory makes them, after checking; having one means that
// the range lies inside its aperture. The one exception is a range of a saved state that is being
// read, which Memory::Holds looks at before anything else does.
class PhysicalSpan {
 public:
  Aperture aperture() const { return aperture_; }
  // Bus address for kSystem; offset from the aperture's first byte for the others.
  uint64_t address() const { return address_; }
  uint64_t size_bytes() const { return size_bytes_; }
  // [offset, offset + size) of this span; it must lie inside.
  PhysicalSpan Slice(uint64_t offset, uint64_t size_bytes) const {
    WARD_ASSERT(RangeFits(offset, size_bytes, size_bytes_));
    return PhysicalSpan(aperture_, address_ + offset, size_bytes);
  }

 private:
  friend class Memory;
  friend class GuestRange;
  PhysicalSpan(Aperture aperture, uint64_t address, uint64_t size_bytes)
      : aperture_(aperture), address_(address), size_bytes_(size_bytes) {}
  Aperture aperture_;
  uint64_t address_;
  uint64_t size_bytes_;
};

// What an address and a length of a command became: checked, translated, in order. The only thing
// that engines move data with.
class GuestRange {
 public:
  // Most ranges are one piece, or one and the piece behind a page border.
  using Spans = boost::container::small_vector<PhysicalSpan, 2>;

  // Joins neighbours.
  void Append(const PhysicalSpan& span) {
    if (spans_.empty() && span.size_bytes_ != 0) {
      spans_.push_back(span);  // what most commands ask for, and all that they do
      size_bytes_ = span.size_bytes_;
    } else {
      AppendBehind(span);
    }
  }
  void Clear() {
    spans_.clear();
    starts_.clear();
    size_bytes_ = 0;
  }
  uint64_t size_bytes() const { return size_bytes_; }
  const Spans& spans() const { return spans_; }
  // [offset, offset + size) of this range; it must lie inside.
  GuestRange Slice(uint64_t offset, uint64_t size_bytes) const;
  // The first `row_bytes` of each `pitch`, `row_count` times; they must lie inside. One pass.
  GuestRange Rows(uint64_t row_bytes, uint64_t row_count, uint64_t pitch) const;
  void Append(const GuestRange& range);
  bool AnyProtected() const {
    for (const PhysicalSpan& span : spans_) {
      if (span.aperture_ == Aperture::kProtected) return true;
    }
    return false;
  }
  bool AllProtected() const {
    for (const PhysicalSpan& span : spans_) {
      if (span.aperture_ != Aperture::kProtected) return false;
    }
    return true;
  }

  // As WARD_STATE_FIELDS: the spans, of which all else follows.
  template <typename Archive, typename Self>
  static void ListFields(Archive& archive, Self& self) {
    std::vector<SpanRecord> records;
    if constexpr (!Archive::kReads) records = self.Records();
    archive.Fields("spans", records);
    if constexpr (Archive::kReads) self = FromRecords(records);
  }

 private:
  struct SpanRecord {
    Aperture aperture = Aperture::kSystem;
    uint64_t address = 0;
    uint64_t size_bytes = 0;

    WARD_STATE_FIELDS(aperture, address, size_bytes)
  };
  void AppendBehind(const PhysicalSpan& span);
  std::vector<SpanRecord> Records() const;
  static GuestRange FromRecords(const std::vector<SpanRecord>& records);

  // The span that `offset` lies in, from `index` on, and where it begins.
  struct Place {
    size_t index = 0;
    uint64_t start = 0;
  };
  Place Find(uint64_t offset) const;
  // Onward from a place at or before `offset`.
  Place Advance(Place place, uint64_t offset) const;
  // From `place`, which `offset` lies in.
  void AppendTo(GuestRange* slice, Place place, uint64_t offset, uint64_t size_bytes) const;

  Spans spans_;
  // Offset of each span in the range, so that Slice can search; only of ranges of many.
  static constexpr size_t kFewSpans = 8;
  std::vector<uint64_t> starts_;
  uint64_t size_bytes_ = 0;
};

class Memory {
 public:
  // What handling one page, row or piece costs beside the bytes that it moves, in bytes of budget.
  static constexpr uint64_t kPieceWork = 64;

  Memory(const Ports& ports, uint64_t visible_bytes, uint64_t protected_bytes);
  ~Memory();  // wipes protected memory
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint64_t visible_bytes() const { return visible_bytes_; }
  uint64_t protected_bytes() const { return protected_bytes_; }

  // A range of local physical addresses (visible VRAM from 0, protected VRAM from
  // abi::kProtectedVramLocalBase). ADDRESS_OUT_OF_RANGE when it is not inside one of them.
  Result<PhysicalSpan> LocalSpan(uint64_t local_address, uint64_t size_bytes) const {
    if (size_bytes != 0) {
      if (RangeFits(local_address, size_bytes, visible_bytes_)) {
        return PhysicalSpan(Aperture::kVisible, local_address, size_bytes);
      }
      const uint64_t offset = local_address - abi::kProtectedVramLocalBase;
      if (local_address >= abi::kProtectedVramLocalBase &&
          RangeFits(offset, size_bytes, protected_bytes_)) {
        return PhysicalSpan(Aperture::kProtected, offset, size_bytes);
      }
    }
    return Fault{abi::kStatusAddressOutOfRange, "outside visible and protected VRAM",
                 local_address};
  }
  // A range of bus addresses of 52 bits; whether memory is there shows at the access.
  Result<PhysicalSpan> SystemSpan(uint64_t bus_address, uint64_t size_bytes) const {
    if (size_bytes == 0 || !RangeFits(bus_address, size_bytes, kBusLimit)) {
      return Fault{abi::kStatusAddressOutOfRange, "wider than a bus address", bus_address};
    }
    return PhysicalSpan(Aperture::kSystem, bus_address, size_bytes);
  }
  // Whether each span of a range that was read from a saved state lies inside its aperture.
  bool Holds(const GuestRange& range) const;

  // Work done since the chip was made, as the command processor charges it: bytes read and written
  // here, and what others add. Only differences mean something; no part of the state.
  uint64_t work() const { return work_; }
  void AddWork(uint64_t work) const { work_ += work; }
  static constexpr uint64_t TransferWork(uint64_t size_bytes) { return kPieceWork + size_bytes; }

  // Move bytes between the chip and a range of the same size. BUS_ERROR when the host refuses; a
  // write may then have happened in part (docs/spec/memory.md). Zeros for a protected page that
  // holds nothing but zeros leave it uncommitted.
  Result<void> Read(const GuestRange& range, ByteSpan destination) const;
  Result<void> Write(const GuestRange& range, ConstByteSpan source);
  Result<void> Read(const PhysicalSpan& span, ByteSpan destination) const;
  // Around a slice of work: the host's window onto visible VRAM is looked for once, and used until
  // the end.
  void BeginSlice();
  void EndSlice();
  // For small reads that are charged where it is known what they are for.
  Result<void> ReadUncharged(const PhysicalSpan& span, ByteSpan destination) const;
  Result<void> Write(const PhysicalSpan& span, ConstByteSpan source);
  Result<void> WriteAtomic64(const PhysicalSpan& span, uint64_t value);

  // The bytes behind a span, for an engine to work on where they are; null: Read and Write have to
  // be used. What OpenForWrite gives is closed when it was written, before anything else is done
  // with the memory, as a whole or piece by piece: `bytes` is where it was. Who reads or writes so
  // charges TransferWork for each.
  const uint8_t* OpenForRead(const PhysicalSpan& span) const { return Open(span, false); }
  uint8_t* OpenForWrite(const PhysicalSpan& span) { return Open(span, true); }
  void CloseWritten(const PhysicalSpan& span, uint8_t* bytes);

  // Page ownership of protected memory. `page` is a page number in the protected aperture.
  PageOwner OwnerOf(uint64_t page) const;
  uint64_t CountOwnedPages() const { return owners_.CountOwned(); }
  uint64_t CountPagesOf(PageOwner owner) const;
  uint64_t CountTouchedPages() const { return touched_.size(); }
  // Every protected page of the range becomes `owner`'s; one that changes its owner, or had none,
  // is zeroed first. kNoOwner: all keep theirs.
  void TakeOwnership(const GuestRange& range, PageOwner owner);
  void TakeOwnership(const PhysicalSpan& span, PageOwner owner);
  // Every protected page that a span covers whole is zeroed and nobody's.
  void ReleaseWholePages(const GuestRange& range);
  // Zeroes every page of `owner` and leaves it without one (end of a session). Charged: a byte for
  // each protected page there is, for the search, and kPieceWork for each that is found.
  void ReleaseOwner(PageOwner owner);
  // Zeroes and releases every protected page (reset, tear-down), the memory behind them included.
  void ClearProtected();

  // A page that is zeroed reads as zeros at once; the memory behind it is wiped here, a bounded
  // piece in each slice. Not part of the state, and no influence on it. Says whether more is left.
  bool Scrub();
  bool HasStale() const { return !stale_.empty(); }
  static constexpr uint64_t kScrubPages = 64;  // at most, in one call

  // Value copy for snapshots: protected pages with content and their owners.
  struct State {
    struct Page {
      uint64_t number;
      std::vector<uint8_t> bytes;
    };
    std::vector<Page> pages;
    PageOwners owners;
    State() = default;
    State(State&&) = default;
    State& operator=(State&&) noexcept;  // wipes what it held
    ~State() { Wipe(); }
    void Wipe();
  };
  State Save() const;
  void Load(const State& state, LoadExtent extent = LoadExtent::kAll);
  // The same, sealed; this is the one way in which content leaves protected memory.
  void Seal(SealingStream* stream) const;
  // Nothing when the stream does not hold what Seal wrote.
  std::optional<State> Unseal(OpeningStream* stream) const;
  void Hash(StateHasher* hasher) const;

 private:
  static constexpr uint64_t kBusLimit = uint64_t{1} << 52;

  uint8_t* Open(const PhysicalSpan& span, bool is_write) const;
  void CloseProtected(uint64_t offset, uint64_t size_bytes);
  // The first page from `page` on that has an owner or was touched; at the end, none: their count
  // or above.
  uint64_t NextUsed(uint64_t page) const {
    return std::min(touched_.Next(page), owners_.FindOwned(page));
  }
  void LoadPage(const State& state, uint64_t page);
  bool IsSealed(uint64_t page) const;
  void ZeroPages(uint64_t first, uint64_t count);
  void ZeroTouched(uint64_t first, uint64_t count);
  void ReadProtected(uint64_t offset, ByteSpan destination) const;
  void WriteProtected(uint64_t offset, ConstByteSpan source);
  bool HoldsContent(uint64_t page, ConstByteSpan written) const;

  uint8_t* protected_base_ = nullptr;  // reserved address space, committed by first touch, no dump
  uint64_t visible_bytes_;
  uint64_t protected_bytes_;
  PageOwners owners_;
  PageSet touched_;  // pages that may hold something other than zeros
  PageSet stale_;    // not touched, but the memory behind them still has what was there
  PageSet changed_;  // content or owner may not be what was loaded last
  bool all_changed_ = true;
  Ports ports_;
  uint8_t* visible_ = nullptr;  // all of visible VRAM, in a slice whose host shows it
  mutable uint64_t work_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_MEMORY_H_
