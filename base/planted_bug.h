// Bugs that are planted for the fuzzers: mistakes that an engineer could have made in the chip and
// its firmware, one line or two each. A process of the preset `planted` can be started with one of
// them, and the oracle that it names has to end the run (docs/guide/planted-bugs.md). Without the
// CMake option WARD_PLANTED_BUGS there is none of them in a program.
//
// The lists of the guide and of the fuzzers' programs are made from the one below.
#ifndef WARD_BASE_PLANTED_BUG_H_
#define WARD_BASE_PLANTED_BUG_H_

#include <cstdint>

#ifdef WARD_PLANTED_BUGS
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WARD_HAS_ADDRESS_SANITIZER
#endif
#endif
#if !defined(WARD_HAS_ADDRESS_SANITIZER) && !defined(__SANITIZE_ADDRESS__)
#error "WARD_PLANTED_BUGS is for builds with AddressSanitizer alone: cmake --preset planted"
#endif
#undef WARD_HAS_ADDRESS_SANITIZER
#endif

// X(name, kind, oracle, sentence). In alphabetical order within a kind.
#define WARD_LIST_PLANTED_BUGS(X)                                                                  \
  X(CaptureAtFirstPage, leak, pixels,                                                              \
    "The capture view shows a surface at the first protected page.")                               \
  X(ContentSniffed, leak, non_interference, "A decrypt refuses content whose first byte is odd.")  \
  X(CopyOutByPart, leak, pixels, "One protected page in a copy's destination lets all of it out.") \
  X(CopyOutOfUnowned, leak, pixels, "Protected pages that no session owns can be copied out.")     \
  X(EncryptTailInClear, leak, pixels,                                                              \
    "ENCRYPT_BLT leaves the last bytes, less than a block, in the clear.")                         \
  X(FirstSpanDecides, leak, pixels,                                                                \
    "A copy's source counts as protected by its first page alone.")                                \
  X(KeyInFaultAddress, leak, key_canary,                                                           \
    "FAULT_ADDRESS holds key bytes when a decrypt's source is not mapped.")                        \
  X(KeyInWork, leak, non_interference, "A decrypt is charged by the bytes of its key.")            \
  X(PageTakenWithContent, leak, page_owners,                                                       \
    "A page that changes hands keeps what it held beside the new bytes.")                          \
  X(ReadbackKeyForCounter, leak, key_canary,                                                       \
    "ENCRYPT_BLT stores its key where the counter block belongs.")                                 \
  X(SessionKeyInAnswer, leak, key_canary, "GET_READBACK_KEY answers with the session key itself.") \
  X(WeakKeyRefused, leak, non_interference,                                                        \
    "SET_CONTENT_KEY fails for keys that end in three zero bits.")                                 \
  X(CursorLeftOfScreen, bounds, sanitizer,                                                         \
    "A cursor that begins left of the screen is drawn there.")                                     \
  X(EchoPieceOverflow, bounds, sanitizer,                                                          \
    "CALL_TRUSTED's echo takes the whole input as one piece of 64 bytes.")                         \
  X(ModeIndexUnchecked, bounds, sanitizer, "OUTPUT_MODE indexes the table of modes unchecked.")    \
  X(OutputUnchecked, bounds, sanitizer, "The output of WAIT_VBLANK indexes the table unchecked.")  \
  X(PagesAssumedContiguous, bounds, dma_window,                                                    \
    "The pages of a range are taken to lie behind the first one.")                                 \
  X(SessionIndexUnchecked, bounds, sanitizer,                                                      \
    "A message's session number indexes the table unchecked.")                                     \
  X(BlobLengthWraps, wrap, commands,                                                               \
    "A message's variable size is checked by a sum of 32 bits, and may be less.")                  \
  X(CounterRangeWraps, wrap, counter_reuse,                                                        \
    "A range of counters that wraps counts as if it did not.")                                     \
  X(TailTruncated, wrap, dma_window, "A doorbell's tail is checked by its low 16 bits.")           \
  X(HeaderReadTwice, double_fetch, double_fetch,                                                   \
    "A command is fetched again behind the checks of its header.")                                 \
  X(LeafReadTwice, double_fetch, double_fetch,                                                     \
    "A page-table entry is read again after it was found valid.")                                  \
  X(ContextLeavesSessions, stale_state, slots, "The sessions of a context outlive it.")            \
  X(OwnerOutlivesSession, stale_state, page_owners,                                                \
    "A session's pages stay its own when it ends.")                                                \
  X(PartPageReleased, stale_state, page_owners,                                                    \
    "A kernel's FILL releases the page that it fills in part.")                                    \
  X(SessionNumberReused, stale_state, slots,                                                       \
    "A new session gets the number of the one that was there.")                                    \
  X(SessionUsableAfterDestroy, stale_state, slots,                                                 \
    "A session that was destroyed keeps its keys and its grant.")                                  \
  X(TranslationsKept, stale_state, restore, "Translations outlive their slice and INVALIDATE.")    \
  X(EncryptOfAnyOwner, lock_bypass, page_owners,                                                   \
    "ENCRYPT_BLT reads the protected pages of any session.")                                       \
  X(KernelCopiesOut, lock_bypass, pixels,                                                          \
    "The flow rule does not hold for COPY of the kernel's queue.")                                 \
  X(MessageOfAnyContext, lock_bypass, commands,                                                    \
    "Firmware takes a message about another context's session.")                                   \
  X(SessionKeyForContent, lock_bypass, commands,                                                   \
    "A blt by a content key that is not there takes the session key.")                             \
  X(SessionOfAnyContext, lock_bypass, commands, "Engines take another context's session.")         \
  X(ContentOutlivesReset, reset_residue, reset_quiesces,                                           \
    "Protected content is there after a reset.")                                                   \
  X(ContentOutlivesTearDown, reset_residue, tear_down,                                             \
    "Content that no session owns outlives a tear-down.")                                          \
  X(EpochOutlivesTearDown, reset_residue, tear_down, "KEY_EPOCH stays at a tear-down.")            \
  X(JobOutlivesReset, reset_residue, reset_quiesces,                                               \
    "What queues are in the middle of outlives a reset.")                                          \
  X(KeysOutliveReset, reset_residue, reset_quiesces, "Keys are in the vault after a reset.")       \
  X(VectorOutlivesReset, reset_residue, reset_quiesces,                                            \
    "A vector that was pending is so after a reset.")                                              \
  X(CounterFloorAtStart, counter_reuse, counter_reuse,                                             \
    "The end of a range of counters is kept as its beginning.")                                    \
  X(ReadbackCounterKept, counter_reuse, counter_reuse,                                             \
    "ENCRYPT_BLT hands the same counter block out again.")                                         \
  X(AddressInTrace, determinism, determinism, "The trace of an answer holds a host's address.")    \
  X(StaticKeySerial, determinism, determinism,                                                     \
    "The serial numbers of keys are the process's and not the chip's.")                            \
  X(NarrowPictureFree, unbounded_work, bounded,                                                    \
    "A step of VIDEO_BLT does not count its accesses.")                                            \
  X(NarrowRowsFree, unbounded_work, bounded,                                                       \
    "A step of COPY or FILL counts the bytes of its rows alone.")                                  \
  X(FenceRepeats, fences, fences, "A fence may have the value of the last one.")                   \
  X(JobEndsAtFirstStep, fences, fences, "A command counts as done after its first step.")          \
  X(LastFenceBeforeStore, fences, fences,                                                          \
    "LAST_FENCE counts a fence whose store the host refused.")                                     \
  X(RefusedFenceWritten, fences, fences, "A fence that is refused is written all the same.")       \
  X(LockNotRestored, restore, restore, "A snapshot forgets that a key slot is locked.")            \
  X(OwnersNotRestored, restore, restore, "A snapshot forgets who owns protected pages.")           \
  X(SchedulerNotSaved, restore, restore,                                                           \
    "A saved state forgets what queues have used of their turns.")                                 \
  X(UnownedPagesNotSealed, restore, saved_state,                                                   \
    "A sealed state forgets protected pages without an owner.")                                    \
  X(CacheIgnoresRoot, other_context, other_context,                                                \
    "A translation that is kept serves every context.")

namespace ward {

enum class PlantedBug : uint8_t {
  kNone,
#define WARD_ENUMERATOR(name, kind, oracle, sentence) k##name,
  WARD_LIST_PLANTED_BUGS(WARD_ENUMERATOR)
#undef WARD_ENUMERATOR
};

#ifdef WARD_PLANTED_BUGS
// The one that this process runs with. A fuzzer's program sets it before its first input, from the
// environment (tests/fuzz/planted_bug_choice.cc).
inline PlantedBug chosen_planted_bug = PlantedBug::kNone;
inline bool HasPlantedBug(PlantedBug bug) { return chosen_planted_bug == bug; }
#else
constexpr bool HasPlantedBug(PlantedBug) { return false; }
#endif

// Of the list, for those who show it or choose from it.
struct PlantedBugInfo {
  PlantedBug bug;
  const char* name;
  const char* kind;
  const char* oracle;  // whose message ends the run
  const char* sentence;
};

inline constexpr PlantedBugInfo kPlantedBugs[] = {
#define WARD_ROW(name, kind, oracle, sentence) \
  {PlantedBug::k##name, #name, #kind, #oracle, sentence},
    WARD_LIST_PLANTED_BUGS(WARD_ROW)
#undef WARD_ROW
};

}  // namespace ward

#endif  // WARD_BASE_PLANTED_BUG_H_
