#include "device/flow_rule.h"

#include <algorithm>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "base/rule.h"

namespace ward::device::flow_rule {
namespace {

// The one owner of a set of pages, when there is one.
struct OwnerSet {
  PageOwner owner = kNoOwner;
  bool several = false;

  void Add(PageOwner page_owner) {
    if (page_owner == kNoOwner) return;
    if (owner == kNoOwner) owner = page_owner;
    several = several || owner != page_owner;
  }
};

void AddOwners(const Memory& memory, const GuestRange& range, OwnerSet* owners) {
  memory.AddWork(Memory::kPieceWork * range.spans().size());
  for (const PhysicalSpan& span : range.spans()) {
    if (span.aperture() != Aperture::kProtected) continue;
    const uint64_t first = span.address() / abi::kPageSize;
    const uint64_t last = (span.address() + span.size_bytes() - 1) / abi::kPageSize;
    memory.AddWork(Memory::kPieceWork * (last - first));
    for (uint64_t page = first; page <= last; ++page) owners->Add(memory.OwnerOf(page));
  }
}

// Calls `visit` with the owner of each page of a protected span, until it says false.
template <typename Visit>
bool AllOwners(const Memory& memory, const PhysicalSpan& span, const Visit& visit) {
  const uint64_t first = span.address() / abi::kPageSize;
  const uint64_t last = (span.address() + span.size_bytes() - 1) / abi::kPageSize;
  for (uint64_t page = first; page <= last; ++page) {
    if (!visit(memory.OwnerOf(page))) return false;
  }
  return true;
}

Fault OwnerMismatch() {
  return Fault{abi::kStatusProtectedOwnerMismatch, "protected pages of another session"};
}

}  // namespace

Result<PageOwner> CheckTransfer(const Memory& memory, const GuestRange* first_source,
                                const GuestRange* second_source, const GuestRange& destination) {
  OwnerSet owners;
  bool reads_protected = false;
  for (const GuestRange* source : {first_source, second_source}) {
    if (source == nullptr) continue;
    reads_protected = reads_protected || source->AnyProtected();
    if (HasPlantedBug(PlantedBug::kFirstSpanDecides) && !source->spans().empty()) {
      reads_protected = source->spans().front().aperture() == Aperture::kProtected;
    }
    AddOwners(memory, *source, &owners);
  }
  memory.AddWork(Memory::kPieceWork * destination.spans().size());
  const bool is_exempt =
      (HasPlantedBug(PlantedBug::kCopyOutByPart) && destination.AnyProtected()) ||
      (HasPlantedBug(PlantedBug::kCopyOutOfUnowned) && owners.owner == kNoOwner);
  if (is_exempt) reads_protected = false;
  if (WARD_RULE("5.copy_out", reads_protected && !destination.AllProtected())) {
    return Fault{abi::kStatusProtectedReadRefused, "protected memory into memory that is not"};
  }
  if (owners.several) return OwnerMismatch();
  return WARD_BROKEN("5.copy_keeps_owner") ? kNoOwner : owners.owner;
}

Result<PageOwner> CheckPartOfTransfer(const Memory& memory, const GuestRange* first_source,
                                      const GuestRange* second_source,
                                      const GuestRange& destination, PageOwner owner_of_whole) {
  WARD_ASSIGN_OR_RETURN(const PageOwner owner,
                        CheckTransfer(memory, first_source, second_source, destination));
  if (owner != kNoOwner && owner != owner_of_whole) return OwnerMismatch();
  return owner;
}

Result<PageOwner> CheckDecrypt(const Memory& memory, const GuestRange& source,
                               const GuestRange& destination, PageOwner session,
                               bool open_decrypt) {
  memory.AddWork(Memory::kPieceWork * (source.spans().size() + destination.spans().size()));
  // Keystream of a chosen key over protected bytes would be a way to alter and to claim them.
  if (WARD_RULE("5.decrypt_source", source.AnyProtected())) {
    return Fault{abi::kStatusProtectedReadRefused, "DECRYPT_BLT reads protected memory"};
  }
  if (open_decrypt && !destination.AnyProtected()) return session;
  if (WARD_RULE("R27.destination", !destination.AllProtected())) {
    return Fault{abi::kStatusDestinationNotProtected,
                 "DECRYPT_BLT into memory that is not protected"};
  }
  return session;
}

Result<void> CheckEncrypt(const Memory& memory, const GuestRange& source,
                          const GuestRange& destination, PageOwner session) {
  if (WARD_RULE("R28.destination", destination.AnyProtected())) {
    return Fault{abi::kStatusDestinationProtected, "ENCRYPT_BLT into protected memory"};
  }
  OwnerSet owners;
  AddOwners(memory, source, &owners);
  if (HasPlantedBug(PlantedBug::kEncryptOfAnyOwner)) return {};
  if (WARD_RULE("5.owner",
                owners.several || (owners.owner != kNoOwner && owners.owner != session))) {
    return OwnerMismatch();
  }
  return {};
}

Result<void> CheckScanout(const GuestRange& surface) {
  for (const PhysicalSpan& span : surface.spans()) {
    if (span.aperture() == Aperture::kSystem) {
      return Fault{abi::kStatusScanoutRefused, "scan-out of system memory", span.address()};
    }
  }
  return {};
}

Result<void> CheckCursor(const GuestRange& image) {
  for (const PhysicalSpan& span : image.spans()) {
    if (span.aperture() != Aperture::kVisible) {
      return Fault{abi::kStatusScanoutRefused, "a cursor that is not in visible VRAM",
                   span.address()};
    }
  }
  return {};
}

bool MayShow(const Memory& memory, const GrantTable& grants, const PhysicalSpan& surface,
             const ScanoutPath& path) {
  if (surface.aperture() != Aperture::kProtected) return true;
  const bool asked = path.link != HdcpState::kOff;
  if (asked && WARD_RULE("scanout.hdcp", path.link != HdcpState::kOn)) return false;
  if (path.full_screen) return true;
  return AllOwners(memory, surface, [&](PageOwner owner) {
    const Grant* grant = grants.FindOwner(owner);
    const bool refused = grant != nullptr && grant->needs_full_screen;
    return !WARD_RULE("scanout.full_screen", refused);
  });
}

}  // namespace ward::device::flow_rule
