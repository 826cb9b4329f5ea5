// Protected in, protected out, and each page has an owner: the one place that decides, on
// translated physical spans, at the moment of use. The kernel's queue is not exempt.
//
//  * A command that reads protected memory writes only protected memory, ciphertext (encrypt) or
//    the screen. Decrypt writes only protected memory, but for grants with the compatibility
//    switch.
//  * Decrypt makes its session the owner of what it writes; copy and video hand the source's owner
//    on. Sources of two owners are refused. Data without an owner leaves a page's owner as it is,
//    but for the kernel's fill, which makes whole pages nobody's (Memory::ReleaseWholePages).
//  * Encrypt reads protected pages of its own session, or of none.
//  * The screen shows protected pages on a link that is protected, when that was asked for, and
//    only full-screen those of a session that demands it. A cursor is never protected.
#ifndef WARD_DEVICE_FLOW_RULE_H_
#define WARD_DEVICE_FLOW_RULE_H_

#include "base/result.h"
#include "device/grant_table.h"
#include "device/hdcp_link.h"
#include "device/memory.h"

namespace ward::device::flow_rule {

// Each returns the owner that the destination's protected pages are to get (kNoOwner: they keep
// theirs), to be handed to Memory::TakeOwnership before the first byte is written.

// Copy, fill (no source) and video blt; sources may be null.
Result<PageOwner> CheckTransfer(const Memory& memory, const GuestRange* first_source,
                                const GuestRange* second_source, const GuestRange& destination);
// A part of a transfer that CheckTransfer admitted as a whole, looked at again when it is moved:
// the sources belong to `owner_of_whole` still, or by now to nobody.
Result<PageOwner> CheckPartOfTransfer(const Memory& memory, const GuestRange* first_source,
                                      const GuestRange* second_source,
                                      const GuestRange& destination, PageOwner owner_of_whole);
// Ciphertext or clear bytes, not protected, into protected memory. `open_decrypt` (of the grant):
// or into memory of which no byte is protected (R27).
Result<PageOwner> CheckDecrypt(const Memory& memory, const GuestRange& source,
                               const GuestRange& destination, PageOwner session,
                               bool open_decrypt = false);
// The session's content into memory that is not protected.
Result<void> CheckEncrypt(const Memory& memory, const GuestRange& source,
                          const GuestRange& destination, PageOwner session);
// SCANOUT_REFUSED unless the surface is local memory.
Result<void> CheckScanout(const GuestRange& surface);
// SCANOUT_REFUSED unless the image is visible VRAM: a cursor is drawn in every view.
Result<void> CheckCursor(const GuestRange& image);

// How a surface that was flipped goes out now.
struct ScanoutPath {
  bool full_screen;  // one application's own (FLIP.FULL_SCREEN)
  HdcpState link;
};
// Whether its pixels may, as things are at this scan-out; else all of it is black in every view.
// Pixels that are not protected always may.
bool MayShow(const Memory& memory, const GrantTable& grants, const PhysicalSpan& surface,
             const ScanoutPath& path);

}  // namespace ward::device::flow_rule

#endif  // WARD_DEVICE_FLOW_RULE_H_
