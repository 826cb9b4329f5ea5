#include "device/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "base/secret_bytes.h"

namespace ward::device {
namespace {

// From this many pages on, giving them back to the kernel is cheaper than writing zeros.
constexpr uint64_t kPagesWorthReturning = 16;

uint64_t FirstPage(const PhysicalSpan& span) { return span.address() / abi::kPageSize; }
uint64_t PageCount(const PhysicalSpan& span) {
  if (span.size_bytes() == 0) return 0;
  return (span.address() + span.size_bytes() - 1) / abi::kPageSize - FirstPage(span) + 1;
}

// `bytes` is not empty.
bool IsZero(ConstByteSpan bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

Fault BusError(const PhysicalSpan& span, const char* reason) {
  return Fault{abi::kStatusBusError, reason, span.address()};
}

}  // namespace

void GuestRange::AppendBehind(const PhysicalSpan& span) {
  if (span.size_bytes() == 0) return;
  if (!spans_.empty()) {
    PhysicalSpan& last = spans_.back();
    if (last.aperture_ == span.aperture_ && last.address_ + last.size_bytes_ == span.address_) {
      last.size_bytes_ += span.size_bytes_;
      size_bytes_ += span.size_bytes_;
      return;
    }
  }
  if (spans_.size() == kFewSpans) {
    uint64_t start = 0;
    for (const PhysicalSpan& earlier : spans_) {
      starts_.push_back(start);
      start += earlier.size_bytes_;
    }
  }
  if (spans_.size() >= kFewSpans) starts_.push_back(size_bytes_);
  spans_.push_back(span);
  size_bytes_ += span.size_bytes_;
}

void GuestRange::Append(const GuestRange& range) {
  for (const PhysicalSpan& span : range.spans_) Append(span);
}

GuestRange GuestRange::Slice(uint64_t offset, uint64_t size_bytes) const {
  WARD_ASSERT(RangeFits(offset, size_bytes, size_bytes_));
  GuestRange slice;
  if (size_bytes == 0) return slice;
  AppendTo(&slice, Find(offset), offset, size_bytes);
  return slice;
}

GuestRange::Place GuestRange::Find(uint64_t offset) const {
  if (starts_.empty()) return Advance({}, offset);
  const auto index = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) -
                                         starts_.begin() - 1);
  return {index, starts_[index]};
}

GuestRange::Place GuestRange::Advance(Place place, uint64_t offset) const {
  while (offset - place.start >= spans_[place.index].size_bytes_) {
    place.start += spans_[place.index++].size_bytes_;
  }
  return place;
}

void GuestRange::AppendTo(GuestRange* slice, Place place, uint64_t offset,
                          uint64_t size_bytes) const {
  size_t index = place.index;
  uint64_t in_span = offset - place.start;
  while (size_bytes != 0) {
    const uint64_t piece = std::min(spans_[index].size_bytes_ - in_span, size_bytes);
    slice->Append(spans_[index].Slice(in_span, piece));
    size_bytes -= piece;
    in_span = 0;
    ++index;
  }
}

GuestRange GuestRange::Rows(uint64_t row_bytes, uint64_t row_count, uint64_t pitch) const {
  GuestRange rows;
  Place place;
  for (uint64_t row = 0; row < row_count; ++row) {
    const uint64_t offset = row * pitch;
    WARD_ASSERT(RangeFits(offset, row_bytes, size_bytes_));
    if (row_bytes == 0) continue;
    place = Advance(place, offset);
    AppendTo(&rows, place, offset, row_bytes);
  }
  return rows;
}

std::vector<GuestRange::SpanRecord> GuestRange::Records() const {
  std::vector<SpanRecord> records;
  for (const PhysicalSpan& span : spans_) {
    records.push_back({span.aperture_, span.address_, span.size_bytes_});
  }
  return records;
}

GuestRange GuestRange::FromRecords(const std::vector<SpanRecord>& records) {
  GuestRange range;
  for (const SpanRecord& record : records) {
    range.Append(PhysicalSpan(record.aperture, record.address, record.size_bytes));
  }
  return range;
}

Memory::Memory(const Ports& ports, uint64_t visible_bytes, uint64_t protected_bytes)
    : visible_bytes_(visible_bytes),
      protected_bytes_(protected_bytes),
      owners_(protected_bytes / abi::kPageSize),
      touched_(protected_bytes / abi::kPageSize),
      stale_(protected_bytes / abi::kPageSize),
      changed_(protected_bytes / abi::kPageSize),
      ports_(ports) {
  WARD_ASSERT(IsAligned(protected_bytes, abi::kPageSize));
  if (protected_bytes_ == 0) return;
  void* base = mmap(nullptr, protected_bytes_, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) throw std::bad_alloc();
  if (madvise(base, protected_bytes_, MADV_DONTDUMP) != 0) {
    munmap(base, protected_bytes_);
    throw std::bad_alloc();
  }
  protected_base_ = static_cast<uint8_t*>(base);
}

Memory::~Memory() {
  if (protected_base_ == nullptr) return;
  for (uint64_t page = 0; page < owners_.size(); ++page) {
    if (touched_.Has(page) || stale_.Has(page)) {
      SecureWipe(protected_base_ + page * abi::kPageSize, abi::kPageSize);
    }
  }
  munmap(protected_base_, protected_bytes_);
}

bool Memory::Holds(const GuestRange& range) const {
  for (const PhysicalSpan& span : range.spans()) {
    const uint64_t limit = span.aperture() == Aperture::kSystem    ? kBusLimit
                           : span.aperture() == Aperture::kVisible ? visible_bytes_
                                                                   : protected_bytes_;
    if (!RangeFits(span.address(), span.size_bytes(), limit)) return false;
  }
  return true;
}

Result<void> Memory::Read(const GuestRange& range, ByteSpan destination) const {
  WARD_ASSERT(range.size_bytes() == destination.size());
  size_t at = 0;
  for (const PhysicalSpan& span : range.spans()) {
    WARD_TRY(Read(span, destination.subspan(at, span.size_bytes())));
    at += span.size_bytes();
  }
  return {};
}

Result<void> Memory::Write(const GuestRange& range, ConstByteSpan source) {
  WARD_ASSERT(range.size_bytes() == source.size());
  size_t at = 0;
  for (const PhysicalSpan& span : range.spans()) {
    WARD_TRY(Write(span, source.subspan(at, span.size_bytes())));
    at += span.size_bytes();
  }
  return {};
}

Result<void> Memory::Read(const PhysicalSpan& span, ByteSpan destination) const {
  AddWork(TransferWork(span.size_bytes()));
  return ReadUncharged(span, destination);
}

void Memory::BeginSlice() { visible_ = ports_.vram->Window(0, visible_bytes_); }
void Memory::EndSlice() { visible_ = nullptr; }

Result<void> Memory::ReadUncharged(const PhysicalSpan& span, ByteSpan destination) const {
  WARD_ASSERT(span.size_bytes() == destination.size());
  switch (span.aperture()) {
    case Aperture::kSystem:
      if (!ports_.dma->Read(span.address(), destination)) {
        return BusError(span, "the host refused a read of system memory");
      }
      break;
    case Aperture::kVisible:
      if (visible_ != nullptr) {
        std::memcpy(destination.data(), visible_ + span.address(), destination.size());
      } else {
        ports_.vram->Read(span.address(), destination);
      }
      break;
    case Aperture::kProtected:
      ReadProtected(span.address(), destination);
      break;
  }
  return {};
}

Result<void> Memory::Write(const PhysicalSpan& span, ConstByteSpan source) {
  WARD_ASSERT(span.size_bytes() == source.size());
  AddWork(TransferWork(span.size_bytes()));
  switch (span.aperture()) {
    case Aperture::kSystem:
      if (!ports_.dma->Write(span.address(), source)) {
        return BusError(span, "the host refused a write to system memory");
      }
      break;
    case Aperture::kVisible:
      ports_.vram->Write(span.address(), source);
      break;
    case Aperture::kProtected:
      WriteProtected(span.address(), source);
      break;
  }
  return {};
}

void Memory::ReadProtected(uint64_t offset, ByteSpan destination) const {
  if (stale_.empty()) {
    std::memcpy(destination.data(), protected_base_ + offset, destination.size());
    return;
  }
  while (!destination.empty()) {
    const uint64_t page = offset / abi::kPageSize;
    const uint64_t size_bytes =
        std::min<uint64_t>(destination.size(), (page + 1) * abi::kPageSize - offset);
    if (stale_.Has(page)) {
      std::memset(destination.data(), 0, size_bytes);
    } else {
      std::memcpy(destination.data(), protected_base_ + offset, size_bytes);
    }
    offset += size_bytes;
    destination = destination.subspan(size_bytes);
  }
}

// Zeros leave a page untouched that nobody owns. A session's content counts whatever it is: what
// the host sees of pages, and how soon they are zeroed, does not depend on it (P2).
bool Memory::HoldsContent(uint64_t page, ConstByteSpan written) const {
  return !touched_.Has(page) && (owners_.Of(page) != kNoOwner || !IsZero(written));
}

void Memory::WriteProtected(uint64_t offset, ConstByteSpan source) {
  while (!source.empty()) {
    const uint64_t page = offset / abi::kPageSize;
    const uint64_t size_bytes =
        std::min<uint64_t>(source.size(), (page + 1) * abi::kPageSize - offset);
    const ConstByteSpan piece = source.first(size_bytes);
    changed_.Add(page);
    if (HoldsContent(page, piece)) touched_.Add(page);
    if (touched_.Has(page) && stale_.Has(page)) {
      ZeroPages(page, 1);
      stale_.Remove(page);
    }
    if (touched_.Has(page)) std::memcpy(protected_base_ + offset, piece.data(), size_bytes);
    offset += size_bytes;
    source = source.subspan(size_bytes);
  }
}

Result<void> Memory::WriteAtomic64(const PhysicalSpan& span, uint64_t value) {
  WARD_ASSERT(span.size_bytes() == sizeof(value) && IsAligned(span.address(), sizeof(value)));
  // Control structures are never in protected memory: AddressSpace::TranslateControl.
  WARD_ASSERT(span.aperture() != Aperture::kProtected);
  if (span.aperture() == Aperture::kVisible) {
    ports_.vram->WriteAtomic64(span.address(), value);
    return {};
  }
  if (!ports_.dma->WriteAtomic64(span.address(), value)) {
    return BusError(span, "the host refused an atomic write to system memory");
  }
  return {};
}

uint8_t* Memory::Open(const PhysicalSpan& span, bool is_write) const {
  switch (span.aperture()) {
    case Aperture::kSystem:
      return ports_.dma->Window(span.address(), span.size_bytes(), is_write);
    case Aperture::kVisible:
      return ports_.vram->Window(span.address(), span.size_bytes());
    case Aperture::kProtected:
      // Of a stale page the memory behind it is not what is read, and has to be zeroed first.
      return stale_.empty() ? protected_base_ + span.address() : nullptr;
  }
  return nullptr;
}

void Memory::CloseWritten(const PhysicalSpan& span, uint8_t* bytes) {
  switch (span.aperture()) {
    case Aperture::kSystem:
      ports_.dma->CloseWindow(bytes, span.size_bytes());
      break;
    case Aperture::kVisible:
      ports_.vram->CloseWindow(span.address(), span.size_bytes());
      break;
    case Aperture::kProtected:
      CloseProtected(span.address(), span.size_bytes());
      break;
  }
}

// As WriteProtected.
void Memory::CloseProtected(uint64_t offset, uint64_t size_bytes) {
  const uint64_t end = offset + size_bytes;
  for (uint64_t at = offset; at < end;) {
    const uint64_t page = at / abi::kPageSize;
    const uint64_t page_end = std::min(end, (page + 1) * abi::kPageSize);
    changed_.Add(page);
    if (HoldsContent(page, {protected_base_ + at, page_end - at})) touched_.Add(page);
    at = page_end;
  }
}

PageOwner Memory::OwnerOf(uint64_t page) const { return owners_.Of(page); }

uint64_t Memory::CountPagesOf(PageOwner owner) const {
  uint64_t count = 0;
  for (uint64_t page = owners_.FindOwned(0); page < owners_.size();
       page = owners_.FindOwned(page + 1)) {
    count += owners_.Of(page) == owner;
  }
  return count;
}

void Memory::TakeOwnership(const GuestRange& range, PageOwner owner) {
  for (const PhysicalSpan& span : range.spans()) TakeOwnership(span, owner);
}

void Memory::TakeOwnership(const PhysicalSpan& span, PageOwner owner) {
  if (owner == kNoOwner || span.aperture() != Aperture::kProtected) return;
  uint64_t page = FirstPage(span);
  const uint64_t end = page + PageCount(span);
  AddWork(kPieceWork * (end - page));
  while (page < end) {
    if (owners_.Of(page) == owner) {  // as a rule
      ++page;
      continue;
    }
    uint64_t run_end = page;
    while (run_end < end && owners_.Of(run_end) != owner) {
      changed_.Add(run_end);
      owners_.Set(run_end++, owner);
    }
    if (!HasPlantedBug(PlantedBug::kPageTakenWithContent)) ZeroTouched(page, run_end - page);
    page = run_end;
  }
}

void Memory::ReleaseWholePages(const GuestRange& range) {
  for (const PhysicalSpan& span : range.spans()) {
    if (span.aperture() != Aperture::kProtected) continue;
    const uint64_t first = (span.address() + abi::kPageSize - 1) / abi::kPageSize;
    const uint64_t rounding = HasPlantedBug(PlantedBug::kPartPageReleased) ? abi::kPageSize - 1 : 0;
    const uint64_t end = (span.address() + span.size_bytes() + rounding) / abi::kPageSize;
    if (first >= end) continue;
    AddWork(kPieceWork * (end - first));
    for (uint64_t page = first; page < end; ++page) {
      changed_.Add(page);
      owners_.Set(page, kNoOwner);
    }
    ZeroTouched(first, end - first);
  }
}

void Memory::ReleaseOwner(PageOwner owner) {
  if (owner == kNoOwner) return;
  AddWork(owners_.size());
  uint64_t page = owners_.FindOwned(0);
  while (page < owners_.size()) {
    uint64_t run_end = page;
    while (run_end < owners_.size() && owners_.Of(run_end) == owner) {
      changed_.Add(run_end);
      owners_.Set(run_end++, kNoOwner);
    }
    AddWork((run_end - page) * kPieceWork);
    ZeroTouched(page, run_end - page);
    page = owners_.FindOwned(std::max(run_end, page + 1));
  }
}

// Not in slices: when a reset or a tear-down returns nothing is left of what was there.
void Memory::ClearProtected() {
  all_changed_ = true;
  owners_.Clear();
  ZeroTouched(0, owners_.size());
  while (Scrub()) {
  }
}

void Memory::ZeroTouched(uint64_t first, uint64_t count) {
  for (uint64_t page = touched_.Next(first); page < first + count; page = touched_.Next(page)) {
    touched_.Remove(page);
    stale_.Add(page);
  }
}

bool Memory::Scrub() {
  uint64_t left = kScrubPages;
  while (left != 0 && !stale_.empty()) {
    const uint64_t first = stale_.First();
    uint64_t end = first;
    while (end < owners_.size() && end - first < left && stale_.Has(end)) stale_.Remove(end++);
    ZeroPages(first, end - first);
    left -= end - first;
  }
  return !stale_.empty();
}

void Memory::ZeroPages(uint64_t first, uint64_t count) {
  if (count == 0) return;
  uint8_t* const base = protected_base_ + first * abi::kPageSize;
  const uint64_t size_bytes = count * abi::kPageSize;
  // Private anonymous pages that were given back read as zeros.
  if (count >= kPagesWorthReturning && madvise(base, size_bytes, MADV_DONTNEED) == 0) return;
  std::memset(base, 0, size_bytes);
}

Memory::State& Memory::State::operator=(State&& other) noexcept {
  if (this == &other) return *this;
  Wipe();
  pages = std::move(other.pages);
  owners = std::move(other.owners);
  return *this;
}

void Memory::State::Wipe() {
  for (Page& page : pages) SecureWipe(page.bytes.data(), page.bytes.size());
}

Memory::State Memory::Save() const {
  State state;
  state.owners = owners_;
  for (uint64_t page = touched_.Next(0); page != PageSet::kNone; page = touched_.Next(page + 1)) {
    const uint8_t* const base = protected_base_ + page * abi::kPageSize;
    state.pages.push_back({page, std::vector<uint8_t>(base, base + abi::kPageSize)});
  }
  return state;
}

void Memory::Load(const State& state, LoadExtent extent) {
  WARD_ASSERT(state.owners.size() == owners_.size());
  if (extent == LoadExtent::kChanged && !all_changed_) {
    while (!changed_.empty()) {
      const uint64_t page = changed_.First();
      changed_.Remove(page);
      LoadPage(state, page);
    }
    return;
  }
  ClearProtected();
  all_changed_ = false;
  changed_.Clear();
  if (!HasPlantedBug(PlantedBug::kOwnersNotRestored)) owners_ = state.owners;
  for (const State::Page& page : state.pages) {
    WARD_ASSERT(page.number < owners_.size() && page.bytes.size() == abi::kPageSize);
    touched_.Add(page.number);
    std::memcpy(protected_base_ + page.number * abi::kPageSize, page.bytes.data(), abi::kPageSize);
  }
}

void Memory::LoadPage(const State& state, uint64_t page) {
  owners_.Set(page, state.owners.Of(page));
  const auto saved =
      std::lower_bound(state.pages.begin(), state.pages.end(), page,
                       [](const State::Page& a, uint64_t number) { return a.number < number; });
  const bool has_content = saved != state.pages.end() && saved->number == page;
  if (has_content) {
    std::memcpy(protected_base_ + page * abi::kPageSize, saved->bytes.data(), abi::kPageSize);
  } else if (touched_.Has(page) || stale_.Has(page)) {
    ZeroPages(page, 1);
  }
  touched_.Remove(page);
  if (has_content) touched_.Add(page);
  stale_.Remove(page);
}

// What a page without content or owner is needs no word.
bool Memory::IsSealed(uint64_t page) const {
  const bool has_content = touched_.Has(page) && !HasPlantedBug(PlantedBug::kUnownedPagesNotSealed);
  return has_content || owners_.Of(page) != kNoOwner;
}

void Memory::Seal(SealingStream* stream) const {
  uint64_t count = 0;
  for (uint64_t page = NextUsed(0); page < owners_.size(); page = NextUsed(page + 1)) {
    if (IsSealed(page)) ++count;
  }
  stream->AddNumber(count);
  for (uint64_t page = NextUsed(0); page < owners_.size(); page = NextUsed(page + 1)) {
    if (!IsSealed(page)) continue;
    stream->AddNumber(page);
    stream->AddNumber(owners_.Of(page));
    stream->AddNumber(uint8_t{touched_.Has(page)});
    if (touched_.Has(page)) stream->Add({protected_base_ + page * abi::kPageSize, abi::kPageSize});
  }
}

std::optional<Memory::State> Memory::Unseal(OpeningStream* stream) const {
  State state;
  state.owners = PageOwners(owners_.size());
  uint64_t least = 0;
  for (uint64_t count = stream->ReadNumber<uint64_t>(); stream->ok() && count != 0; --count) {
    const auto page = stream->ReadNumber<uint64_t>();
    if (page < least || page >= owners_.size()) return std::nullopt;
    least = page + 1;
    state.owners.Set(page, stream->ReadNumber<PageOwner>());
    if (stream->ReadNumber<uint8_t>() == 0) continue;
    state.pages.push_back({page, std::vector<uint8_t>(abi::kPageSize)});
    stream->Read(state.pages.back().bytes);
  }
  if (!stream->ok()) return std::nullopt;
  return state;
}

void Memory::Hash(StateHasher* hasher) const {
  hasher->Add(protected_bytes_);
  for (uint64_t page = NextUsed(0); page < owners_.size(); page = NextUsed(page + 1)) {
    hasher->Add(page);
    hasher->Add(owners_.Of(page));
    hasher->Add(touched_.Has(page) ? 1 : 0);
    if (touched_.Has(page)) {
      hasher->Add(ConstByteSpan(protected_base_ + page * abi::kPageSize, abi::kPageSize));
    }
  }
}

}  // namespace ward::device
