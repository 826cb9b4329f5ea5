// Bugs that are planted for the fuzzers: mistakes that an engineer could have made in the chip, its
// firmware, its drivers and its recordings, one line or two each. A process of the preset `planted`
// can be started with one of them, and the oracle that it names has to end the run
// (docs/guide/planted-bugs.md). Without the CMake option WARD_PLANTED_BUGS there is none of them in
// a program.
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

// X(name, target, kind, oracle, sentence): `target` is the fuzzer that has to find it, `oracle` one
// of its own. By target and kind; the device's in alphabetical order within a kind.
#define WARD_LIST_PLANTED_BUGS(X)                                                                  \
  X(CaptureAtFirstPage, device, leak, pixels,                                                      \
    "The capture view shows a surface at the first protected page.")                               \
  X(ContentSniffed, device, leak, non_interference,                                                \
    "A decrypt refuses content whose first byte is odd.")                                          \
  X(CopyOutByPart, device, leak, pixels,                                                           \
    "One protected page in a copy's destination lets all of it out.")                              \
  X(CopyOutOfUnowned, device, leak, pixels,                                                        \
    "Protected pages that no session owns can be copied out.")                                     \
  X(EncryptTailInClear, device, leak, pixels,                                                      \
    "ENCRYPT_BLT leaves the last bytes, less than a block, in the clear.")                         \
  X(FirstSpanDecides, device, leak, pixels,                                                        \
    "A copy's source counts as protected by its first page alone.")                                \
  X(KeyInFaultAddress, device, leak, key_canary,                                                   \
    "FAULT_ADDRESS holds key bytes when a decrypt's source is not mapped.")                        \
  X(KeyInWork, device, leak, non_interference, "A decrypt is charged by the bytes of its key.")    \
  X(PageTakenWithContent, device, leak, page_owners,                                               \
    "A page that changes hands keeps what it held beside the new bytes.")                          \
  X(ReadbackKeyForCounter, device, leak, key_canary,                                               \
    "ENCRYPT_BLT stores its key where the counter block belongs.")                                 \
  X(SessionKeyInAnswer, device, leak, key_canary,                                                  \
    "GET_READBACK_KEY answers with the session key itself.")                                       \
  X(WeakKeyRefused, device, leak, non_interference,                                                \
    "SET_CONTENT_KEY fails for keys that end in three zero bits.")                                 \
  X(CounterAtDestination, device, bounds, translations,                                            \
    "The counter block of ENCRYPT_BLT is stored over its ciphertext.")                             \
  X(CursorLeftOfScreen, device, bounds, sanitizer,                                                 \
    "A cursor that begins left of the screen is drawn there.")                                     \
  X(EchoPieceOverflow, device, bounds, sanitizer,                                                  \
    "CALL_TRUSTED's echo takes the whole input as one piece of 64 bytes.")                         \
  X(ModeIndexUnchecked, device, bounds, sanitizer,                                                 \
    "OUTPUT_MODE indexes the table of modes unchecked.")                                           \
  X(OutputUnchecked, device, bounds, sanitizer,                                                    \
    "The output of WAIT_VBLANK indexes the table unchecked.")                                      \
  X(PagesAssumedContiguous, device, bounds, dma_window,                                            \
    "The pages of a range are taken to lie behind the first one.")                                 \
  X(SessionIndexUnchecked, device, bounds, sanitizer,                                              \
    "A message's session number indexes the table unchecked.")                                     \
  X(BlobLengthWraps, device, wrap, commands,                                                       \
    "A message's variable size is checked by a sum of 32 bits, and may be less.")                  \
  X(CounterRangeWraps, device, wrap, counter_reuse,                                                \
    "A range of counters that wraps counts as if it did not.")                                     \
  X(TailTruncated, device, wrap, dma_window, "A doorbell's tail is checked by its low 16 bits.")   \
  X(HeaderReadTwice, device, double_fetch, double_fetch,                                           \
    "A command is fetched again behind the checks of its header.")                                 \
  X(LeafReadTwice, device, double_fetch, double_fetch,                                             \
    "A page-table entry is read again after it was found valid.")                                  \
  X(ContextLeavesSessions, device, stale_state, slots, "The sessions of a context outlive it.")    \
  X(MaskedVectorLost, device, stale_state, vectors,                                                \
    "A vector that is masked does not become pending.")                                            \
  X(OwnerOutlivesSession, device, stale_state, page_owners,                                        \
    "A session's pages stay its own when it ends.")                                                \
  X(PartPageReleased, device, stale_state, page_owners,                                            \
    "A kernel's FILL releases the page that it fills in part.")                                    \
  X(SessionNumberReused, device, stale_state, slots,                                               \
    "A new session gets the number of the one that was there.")                                    \
  X(SessionUsableAfterDestroy, device, stale_state, slots,                                         \
    "A session that was destroyed keeps its keys and its grant.")                                  \
  X(TranslationsKept, device, stale_state, restore,                                                \
    "Translations outlive their slice and INVALIDATE.")                                            \
  X(UnmaskedVectorWaits, device, stale_state, vectors,                                             \
    "A pending vector whose mask is cleared waits for another write.")                             \
  X(BusMasterIgnored, device, lock_bypass, vectors,                                                \
    "Vectors are sent while bus mastering is off.")                                                \
  X(EncryptOfAnyOwner, device, lock_bypass, page_owners,                                           \
    "ENCRYPT_BLT reads the protected pages of any session.")                                       \
  X(FunctionMaskIgnored, device, lock_bypass, vectors,                                             \
    "The mask of the whole function holds no vector back.")                                        \
  X(KernelCopiesOut, device, lock_bypass, pixels,                                                  \
    "The flow rule does not hold for COPY of the kernel's queue.")                                 \
  X(MessageOfAnyContext, device, lock_bypass, commands,                                            \
    "Firmware takes a message about another context's session.")                                   \
  X(PictureIsOnlyRead, device, lock_bypass, page_rights,                                           \
    "VIDEO_BLT asks for no right to write where its picture goes.")                                \
  X(RightOfFirstPage, device, lock_bypass, page_rights,                                            \
    "Whether it may be written is asked of the first page of a range.")                            \
  X(SessionKeyForContent, device, lock_bypass, commands,                                           \
    "A blt by a content key that is not there takes the session key.")                             \
  X(SessionOfAnyContext, device, lock_bypass, commands, "Engines take another context's session.") \
  X(VectorMaskIgnored, device, lock_bypass, vectors,                                               \
    "A vector is sent though its own mask bit is set.")                                            \
  X(WritableBitIgnored, device, lock_bypass, page_rights,                                          \
    "A page that is mapped for reading can be written.")                                           \
  X(ContentOutlivesReset, device, reset_residue, reset_quiesces,                                   \
    "Protected content is there after a reset.")                                                   \
  X(ContentOutlivesTearDown, device, reset_residue, tear_down,                                     \
    "Content that no session owns outlives a tear-down.")                                          \
  X(EpochOutlivesTearDown, device, reset_residue, tear_down, "KEY_EPOCH stays at a tear-down.")    \
  X(JobOutlivesReset, device, reset_residue, reset_quiesces,                                       \
    "What queues are in the middle of outlives a reset.")                                          \
  X(KeysOutliveReset, device, reset_residue, reset_quiesces,                                       \
    "Keys are in the vault after a reset.")                                                        \
  X(VectorOutlivesReset, device, reset_residue, reset_quiesces,                                    \
    "A vector that was pending is so after a reset.")                                              \
  X(CounterFloorAtStart, device, counter_reuse, counter_reuse,                                     \
    "The end of a range of counters is kept as its beginning.")                                    \
  X(ReadbackCounterKept, device, counter_reuse, counter_reuse,                                     \
    "ENCRYPT_BLT hands the same counter block out again.")                                         \
  X(AddressInTrace, device, determinism, determinism,                                              \
    "The trace of an answer holds a host's address.")                                              \
  X(StaticKeySerial, device, determinism, determinism,                                             \
    "The serial numbers of keys are the process's and not the chip's.")                            \
  X(NarrowPictureFree, device, unbounded_work, bounded,                                            \
    "A step of VIDEO_BLT does not count its accesses.")                                            \
  X(NarrowRowsFree, device, unbounded_work, bounded,                                               \
    "A step of COPY or FILL counts the bytes of its rows alone.")                                  \
  X(FenceRepeats, device, fences, fences, "A fence may have the value of the last one.")           \
  X(JobEndsAtFirstStep, device, fences, fences, "A command counts as done after its first step.")  \
  X(LastFenceBeforeStore, device, fences, fences,                                                  \
    "LAST_FENCE counts a fence whose store the host refused.")                                     \
  X(RefusedFenceWritten, device, fences, fences,                                                   \
    "A fence that is refused is written all the same.")                                            \
  X(LockNotRestored, device, restore, restore, "A snapshot forgets that a key slot is locked.")    \
  X(OwnersNotRestored, device, restore, restore, "A snapshot forgets who owns protected pages.")   \
  X(RestoredQueueSleeps, device, restore, going_on,                                                \
    "A queue that was put back has work, and sleeps until its doorbell.")                          \
  X(SchedulerNotSaved, device, restore, restore,                                                   \
    "A saved state forgets what queues have used of their turns.")                                 \
  X(UnownedPagesNotSealed, device, restore, saved_state,                                           \
    "A sealed state forgets protected pages without an owner.")                                    \
  X(CacheIgnoresRoot, device, other_context, translations,                                         \
    "A translation that is kept serves every context.")                                            \
  X(RootOfNextContext, device, other_context, other_context,                                       \
    "A context's page tables are those of the one behind it, when there is one.")                  \
  X(RequestReadPastEnd, driver, bounds, sanitizer,                                                 \
    "The data of a request is copied with the byte behind it.")                                    \
  X(LockSpansGuard, driver, bounds, memory,                                                        \
    "A lock's memory has the allocation's guard page in it.")                                      \
  X(VramSizeBelieved, driver, unchecked, sanitizer,                                                \
    "Visible VRAM is as large as the device says, whatever its BAR has.")                          \
  X(ChainSizeBelieved, driver, unchecked, allocation,                                              \
    "A certificate chain is as long as the device says.")                                          \
  X(TimeoutIgnored, driver, unbounded_work, work,                                                  \
    "Who waits for a fence waits on when the time is over.")                                       \
  X(FenceBelievedFirst, driver, fences, fence,                                                     \
    "A fence that the device wrote counts as submitted.")                                          \
  X(BadDmaMemoryKept, driver, lifetime, leak,                                                      \
    "DMA memory that the device can't reach is not given back.")                                   \
  X(RefusalSaysOk, driver, diagnosis, assertion,                                                   \
    "An answer of another size is refused by its own status.")                                     \
  X(HandleOfFirstDevice, firmware, leak, secret,                                                   \
    "GET_DEVICE_HANDLE answers with the handle of the first device there is.")                     \
  X(RandomRoundedUp, firmware, leak, response,                                                     \
    "The answer to RANDOM is as long as whole words are.")                                         \
  X(ReadbackKeyInPlace, firmware, stale_state, platform,                                           \
    "A new read-back key is made in the slot of the one before it.")                               \
  X(OutputNumberReused, firmware, stale_state, number,                                             \
    "A new protected output gets the number of the one that was there.")                           \
  X(DecodersOutliveFailure, firmware, reset_residue, failed,                                       \
    "Decoders outlive a self test that failed.")                                                   \
  X(DevicePartUnchecked, recording, bounds, sanitizer,                                             \
    "A part of the device's block is checked by the whole block's size.")                          \
  X(BrokenEventCounted, recording, bounds, count,                                                  \
    "The event that a recording breaks off in counts as whole.")                                   \
  X(CutBetweenBlocks, recording, unchecked, end,                                                   \
    "A file that stops behind a block counts as whole.")                                           \
  X(BlockKeptOnSeek, recording, stale_state, repeat,                                               \
    "A block that was read stays when another one is gone back to.")                               \
  X(LastCallRepeats, recording, unbounded_work, work,                                              \
    "A call that the recording breaks off in is made again.")                                      \
  X(RefusalWithoutReason, recording, diagnosis, refusal,                                           \
    "Who takes an unfinished file is not told that it has no device.")                             \
  X(PlaceOnlyInside, recording, diagnosis, difference,                                             \
    "A difference at the recording's end does not say where it is.")                               \
  X(SurfaceUnchecked, saved_state, unchecked, scanout,                                             \
    "A saved surface may lie outside of memory.")                                                  \
  X(RaggedDisplayRefused, saved_state, diagnosis, displays,                                        \
    "A display whose width is no multiple of 8 is refused.")                                       \
  X(VblankRoundedDown, saved_state, unbounded_work, wakeups,                                       \
    "A vblank's time is rounded down, to before it.")                                              \
  X(InterruptsLoadedFirst, saved_state, restore, refusal,                                          \
    "Interrupts are loaded before the rest is looked at.")                                         \
  X(OwedTurnsRefused, saved_state, restore, round_trip,                                            \
    "A state in which a queue owes a part of its turns is refused.")                               \
  X(RefusedClientStays, vfio_user, stale_state, newcomer,                                          \
    "Who is told that the device is taken stays connected.")                                       \
  X(SliceLostWithClient, vfio_user, stale_state, fresh_work,                                       \
    "A client that goes amid work leaves the next one without any.")                               \
  X(BusMasterUnasked, vfio_user, lock_bypass, bus_master,                                          \
    "Memory is reached while bus mastering is off.")                                               \
  X(RequestNumbersGoOn, vfio_user, determinism, repeats,                                           \
    "The numbers of requests depend on how many clients there were.")

namespace ward {

enum class PlantedBug : uint8_t {
  kNone,
#define WARD_ENUMERATOR(name, target, kind, oracle, sentence) k##name,
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
  const char* target;  // the fuzzer that has to find it (tests/fuzz/targets.toml)
  const char* kind;
  const char* oracle;  // of that fuzzer, whose message ends the run
  const char* sentence;
};

inline constexpr PlantedBugInfo kPlantedBugs[] = {
#define WARD_ROW(name, target, kind, oracle, sentence) \
  {PlantedBug::k##name, #name, #target, #kind, #oracle, sentence},
    WARD_LIST_PLANTED_BUGS(WARD_ROW)
#undef WARD_ROW
};

}  // namespace ward

#endif  // WARD_BASE_PLANTED_BUG_H_
