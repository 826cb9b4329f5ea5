#include "device/crypto_engine.h"

#include <algorithm>
#include <cstring>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "device/bounce_buffer.h"
#include "device/flow_rule.h"

namespace ward::device {
namespace {

constexpr uint32_t kMaximumBltBytes = 256u << 20;

Result<void> CheckLength(uint32_t length_bytes) {
  if (length_bytes != 0 && length_bytes <= kMaximumBltBytes) return {};
  return Fault{abi::kStatusOperandInvalid, "a blt of no bytes or of more than 256 MiB"};
}

bool HasPattern(const abi::DecryptBltCommand& command) {
  return (command.flags & abi::DecryptBltCommand::kFlagPattern) != 0;
}

template <typename Command>
bool UsesContentKey(const Command& command) {
  return (command.flags & Command::kFlagContentKey) != 0;
}

Result<void> CheckOperands(const abi::DecryptBltCommand& command) {
  WARD_TRY(CheckLength(command.length_bytes));
  if (WARD_BROKEN("7.8.beyond_end") &&
      command.encrypted_bytes_at_beginning > command.length_bytes) {
    return Fault{abi::kStatusOperandInvalid, "a beginning behind the end"};
  }
  if (!HasPattern(command) && (command.encrypted_bytes_at_beginning != 0 ||
                               command.skip_bytes != 0 || command.encrypt_bytes != 0)) {
    return Fault{abi::kStatusOperandInvalid, "a pattern without the flag PATTERN"};
  }
  return {};
}

Stripe StripeOf(const abi::DecryptSampleCommand& command) {
  return {command.stripe_encrypted_blocks, command.stripe_clear_blocks};
}

SubSampleMap MapSubSamples(const abi::DecryptSampleCommand& command, ConstByteSpan list) {
  SubSampleMap map(StripeOf(command));
  for (uint32_t i = 0; i < command.sub_sample_count; ++i) {
    const uint8_t* entry = list.data() + size_t{8} * i;
    map.Append({LoadLe<uint32_t>(entry), LoadLe<uint32_t>(entry + 4)});
  }
  return map;
}

Result<void> CheckSubSamples(const abi::DecryptSampleCommand& command, const SubSampleMap& map) {
  const Stripe stripe = StripeOf(command);
  if (WARD_RULE("sample.sum", map.size_bytes() != command.length_bytes)) {
    return Fault{abi::kStatusSubSamplesInvalid, "sub-samples that do not add up to the sample"};
  }
  if (WARD_RULE("sample.stripe", stripe.exists() && stripe.encrypted_blocks == 0)) {
    return Fault{abi::kStatusSubSamplesInvalid, "a stripe that encrypts nothing"};
  }
  return {};
}

bool IsDecrypt(const EngineJob& job) {
  return job.kind == EngineJob::Kind::kDecrypt || job.kind == EngineJob::Kind::kDecryptSample;
}

std::optional<EncryptedRun> FindRun(const EngineJob& job, const EncryptedBlockInfo& pattern,
                                    uint64_t from, uint64_t end) {
  if (job.kind == EngineJob::Kind::kDecryptSample) return job.sample.FindRun(from, end);
  return FindEncryptedRun(pattern, from, end);
}

EncryptedBlockInfo WholeBuffer(uint32_t length_bytes) { return {length_bytes, 0, 0}; }

EncryptedBlockInfo PatternOf(const abi::DecryptBltCommand& command) {
  if (WARD_BROKEN("7.8.null_is_whole") && !HasPattern(command)) return {};
  if (!HasPattern(command)) return WholeBuffer(command.length_bytes);
  return {command.encrypted_bytes_at_beginning, command.skip_bytes, command.encrypt_bytes};
}

// What either command that decrypts asks for.
struct DecryptNeed {
  uint32_t session;
  uint32_t length_bytes;
  bool uses_content_key;
  EncryptedBlockInfo pattern;  // a sample has its map instead
};

DecryptNeed NeedOf(const EngineJob& job) {
  if (job.kind == EngineJob::Kind::kDecryptSample) {
    const auto sample = job.As<abi::DecryptSampleCommand>();
    return {sample.session, sample.length_bytes, UsesContentKey(sample), {}};
  }
  const auto blt = job.As<abi::DecryptBltCommand>();
  return {blt.session, blt.length_bytes, UsesContentKey(blt), PatternOf(blt)};
}

// A decoder's samples (DECRYPT_SAMPLE) never leave protected memory.
bool MayDecryptOpen(const EngineJob& job, const Grant& grant) {
  return grant.open_decrypt && job.kind == EngineJob::Kind::kDecrypt;
}

bool IsBefore(const CounterBlock& counter, const Grant::IvFloor& floor) {
  return counter.iv != floor.iv ? counter.iv < floor.iv : counter.count < floor.count;
}

// Counters of a blt: from the lowest one to the one behind its last. A range whose Count wraps uses
// counters at both ends of its IV.
struct CounterRange {
  CounterBlock lowest;
  CounterBlock end;
  bool is_last;  // no counter is left behind it
};

CounterRange RangeOf(const CounterBlock& start, uint64_t blocks) {
  const uint64_t left = 0 - start.count;  // blocks until Count wraps; 0 stands for 2^64
  const bool reaches_end = left != 0 && blocks >= left;
  const bool wraps = left != 0 && blocks > left && !HasPlantedBug(PlantedBug::kCounterRangeWraps);
  const bool is_last = reaches_end && start.iv == UINT64_MAX;
  return {{start.iv, wraps ? 0 : start.count},
          {reaches_end && !is_last ? start.iv + 1 : start.iv,
           is_last ? UINT64_MAX : (reaches_end ? 0 : start.count + blocks)},
          is_last};
}

void RaiseFloor(Grant::IvFloor* floor, const CounterBlock& end) {
  *floor = {true, end.iv, end.count};
}

// R21, strict: accepts a range that begins at or behind the end of the last one.
Result<void> ClaimCounters(Grant::IvFloor* floor, const CounterRange& range) {
  if (WARD_RULE("R21.strict", floor->used && IsBefore(range.lowest, *floor))) {
    return Fault{abi::kStatusIvReused, "the counter range begins before the end of the last one"};
  }
  if (range.is_last) return Fault{abi::kStatusIvReused, "no counter is left after this range"};
  RaiseFloor(floor, range.end);
  return {};
}

// R21, relaxed: accepts every range, and counts one that begins before the end of the furthest.
void NoteCounters(Grant* grant, Grant::IvFloor* floor, const CounterRange& range) {
  const bool repeats = floor->used && IsBefore(range.lowest, *floor);
  if (WARD_RULE("R21.repeats", repeats) && grant->iv_repeats != UINT32_MAX) ++grant->iv_repeats;
  if (!floor->used || !IsBefore(range.end, *floor)) RaiseFloor(floor, range.end);
}

// Runs for which one call of the cipher each would cost more than the bytes.
bool HasShortRuns(const EngineJob& job, const EncryptedBlockInfo& pattern) {
  constexpr uint32_t kLeastBytesForACall = 1024;
  return job.kind == EngineJob::Kind::kDecrypt && pattern.bytes_in_encrypt_pattern != 0 &&
         pattern.bytes_in_skip_pattern != 0 &&
         pattern.bytes_in_encrypt_pattern < kLeastBytesForACall;
}

Fault CipherFailed() { return Fault{abi::kStatusDeviceInErrorState, "the AES block failed"}; }

}  // namespace

Result<void> CryptoEngine::FindKey(const EngineJob& job, KeyUse* use) {
  uint32_t empty_status = abi::kStatusSessionNoKey;
  uint32_t slot = kNoSlot;
  uint32_t usage = 0;
  if (IsDecrypt(job)) {
    const DecryptNeed need = NeedOf(job);
    WARD_ASSIGN_OR_RETURN(use->grant, grants_->Find(need.session, job.context));
    use->pattern = need.pattern;
    use->length_bytes = need.length_bytes;
    slot = need.uses_content_key ? use->grant->content_slot : use->grant->session_slot;
    if (HasPlantedBug(PlantedBug::kSessionKeyForContent) && slot == kNoSlot)
      slot = use->grant->session_slot;
    usage = kKeyUsageDecrypt;
    if (need.uses_content_key) empty_status = abi::kStatusSessionNoContentKey;
  } else {
    const auto command = job.As<abi::EncryptBltCommand>();
    WARD_ASSIGN_OR_RETURN(use->grant, grants_->Find(command.session, job.context));
    use->pattern = WholeBuffer(command.length_bytes);
    use->length_bytes = command.length_bytes;
    const bool own = !WARD_BROKEN("R22.own_key");
    slot = own ? use->grant->readback_slot : use->grant->session_slot;
    usage = own ? kKeyUsageEncrypt : kKeyUsageDecrypt;
    empty_status = abi::kStatusSessionNoReadbackKey;
  }
  if (slot == kNoSlot) {
    if (WARD_BROKEN("R26.blt_without_key")) {
      static CtrKey zeros;
      zeros.Expand();
      use->key = &zeros;
      use->key_serial = 0;
      return {};
    }
    return Fault{empty_status, "the session has no such key"};
  }
  auto key = vault_->ReleaseForCtr(slot, use->grant->session, usage);
  if (!key.ok()) {
    Fault fault = key.fault();
    if (fault.status == abi::kStatusSessionNoKey) fault.status = empty_status;
    return fault;
  }
  use->key = key.value();
  use->key_serial = vault_->SerialOf(slot);
  if (HasPlantedBug(PlantedBug::kKeyInWork)) {
    for (const uint8_t byte : use->key->key.Expose()) {
      memory_->AddWork(Memory::kPieceWork * byte);
    }
  }
  return {};
}

Result<void> CryptoEngine::BeginUse(EngineJob* job) {
  ForgetKeyUse();
  WARD_TRY(FindKey(*job, &use_));
  fresh_job_ = job;
  return {};
}

template <typename Command>
Result<void> CryptoEngine::AdmitDecrypt(const Command& command, const AddressSpace& space,
                                        const KeyUse& use, uint64_t keystream_bytes,
                                        EngineJob* job) {
  job->key_serial = use.key_serial;
  if (HasPlantedBug(PlantedBug::kKeyInFaultAddress)) {
    const auto found = space.Translate(command.source, command.length_bytes, Access::kRead);
    const uint64_t noted = LoadLe<uint64_t>(use.key->key.Expose().data());
    if (!found.ok()) return Fault{found.fault().status, found.fault().reason, noted};
  }
  WARD_TRY(space.TranslateInto(command.destination, command.length_bytes, Access::kWrite,
                               &job->destination));
  WARD_TRY(space.TranslateInto(command.source, command.length_bytes, Access::kRead, &job->source));
  WARD_ASSIGN_OR_RETURN(
      job->owner, flow_rule::CheckDecrypt(*memory_, job->source, job->destination,
                                          use.grant->session, MayDecryptOpen(*job, *use.grant)));
  std::memcpy(job->counter_block, command.iv, sizeof(job->counter_block));
  const uint64_t blocks = (keystream_bytes + kAesBlockBytes - 1) / kAesBlockBytes;
  if (blocks == 0) return {};
  CounterRange range = RangeOf(CounterBlock::FromBytes(job->counter_block), blocks);
  if (HasPlantedBug(PlantedBug::kCounterFloorAtStart)) range.end = range.lowest;
  const bool by_content_key = WARD_RULE("R21.per_key", UsesContentKey(command));
  Grant::IvFloor* floor = &use.grant->floors[by_content_key ? 1 : 0];
  if (strict_iv_ || WARD_BROKEN("R21.relaxed")) return ClaimCounters(floor, range);
  NoteCounters(use.grant, floor, range);
  return {};
}

Result<void> CryptoEngine::Begin(const abi::DecryptBltCommand& command, const AddressSpace& space,
                                 EngineJob* job) {
  job->Take(EngineJob::Kind::kDecrypt, command, space.context());
  WARD_TRY(CheckOperands(command));
  WARD_TRY(BeginUse(job));
  const KeyUse& use = use_;
  if (WARD_RULE("R10.alignment", !IsAlignedPattern(use.pattern, abi::kBlockAlignment))) {
    return Fault{abi::kStatusPatternMisaligned, "a pattern that is not made of cipher blocks"};
  }
  return AdmitDecrypt(command, space, use, CountEncryptedBytes(use.pattern, command.length_bytes),
                      job);
}

Result<void> CryptoEngine::Begin(const abi::DecryptSampleCommand& command,
                                 ConstByteSpan sub_samples, const AddressSpace& space,
                                 EngineJob* job) {
  job->Take(EngineJob::Kind::kDecryptSample, command, space.context());
  WARD_TRY(CheckLength(command.length_bytes));
  WARD_TRY(BeginUse(job));
  memory_->AddWork(Memory::kPieceWork * command.sub_sample_count);
  job->sample = MapSubSamples(command, sub_samples);
  WARD_TRY(CheckSubSamples(command, job->sample));
  return AdmitDecrypt(command, space, use_, job->sample.keystream_bytes(), job);
}

Result<void> CryptoEngine::Begin(const abi::EncryptBltCommand& command, const AddressSpace& space,
                                 EngineJob* job) {
  job->Take(EngineJob::Kind::kEncrypt, command, space.context());
  WARD_TRY(CheckLength(command.length_bytes));
  WARD_TRY(BeginUse(job));
  const KeyUse& use = use_;
  job->key_serial = use.key_serial;
  WARD_TRY(space.TranslateInto(command.destination, command.length_bytes, Access::kWrite,
                               &job->destination));
  WARD_TRY(space.TranslateInto(command.source, command.length_bytes, Access::kRead, &job->source));
  const uint64_t iv_address =
      HasPlantedBug(PlantedBug::kCounterAtDestination) ? command.destination : command.iv_address;
  WARD_TRY(space.TranslateInto(iv_address, sizeof(job->counter_block), Access::kWrite,
                               &job->iv_destination));
  GuestRange written = job->destination;
  written.Append(job->iv_destination);
  WARD_TRY(flow_rule::CheckEncrypt(*memory_, job->source, written, use.grant->session));
  TakeCounterBlock(use.grant, job);
  return {};
}

// Taken even if the job fails later: a counter block is never handed out twice (R22).
void CryptoEngine::TakeCounterBlock(Grant* grant, EngineJob* job) {
  CounterBlock{grant->readback_iv, WARD_BROKEN("R22.count_from_zero") ? 1u : 0u}.ToBytes(
      job->counter_block);
  const bool repeats =
      WARD_BROKEN("R22.iv_counts") || HasPlantedBug(PlantedBug::kReadbackCounterKept);
  if (!repeats) ++grant->readback_iv;
}

bool CryptoEngine::CanResume(const EngineJob& job) const {
  uint64_t length_bytes = 0;
  uint64_t iv_bytes = 0;
  if (job.kind == EngineJob::Kind::kEncrypt) {
    const auto command = job.As<abi::EncryptBltCommand>();
    length_bytes = command.length_bytes;
    iv_bytes = sizeof(job.counter_block);
  } else {
    const DecryptNeed need = NeedOf(job);
    length_bytes = need.length_bytes;
    if (!IsAlignedPattern(need.pattern, abi::kBlockAlignment)) return false;
  }
  if (job.kind == EngineJob::Kind::kDecryptSample) {
    const auto command = job.As<abi::DecryptSampleCommand>();
    if (!(job.sample.stripe() == StripeOf(command)) || !CheckSubSamples(command, job.sample).ok() ||
        job.sample.sub_samples().size() > abi::kMaximumSubSamples) {
      return false;
    }
  }
  return CheckLength(static_cast<uint32_t>(length_bytes)).ok() && job.done <= length_bytes &&
         job.keystream_position <= job.done && memory_->Holds(job.destination) &&
         memory_->Holds(job.source) && memory_->Holds(job.iv_destination) &&
         job.destination.size_bytes() == length_bytes && job.source.size_bytes() == length_bytes &&
         job.iv_destination.size_bytes() == iv_bytes;
}

void CryptoEngine::RestartEncryption(EngineJob* job) {
  WARD_ASSERT(job->kind == EngineJob::Kind::kEncrypt);
  auto grant = grants_->Find(job->As<abi::EncryptBltCommand>().session, job->context);
  if (!grant.ok()) return;  // the next step refuses it
  job->done = 0;
  job->keystream_position = 0;
  TakeCounterBlock(grant.value(), job);
}

Result<bool> CryptoEngine::Step(EngineJob* job, uint64_t budget_bytes) {
  if (fresh_job_ != job) WARD_TRY(FindKey(*job, &use_));
  ForgetKeyUse();
  const KeyUse& use = use_;
  // The counters were claimed under the old key (R21), and half a blt under another is no use.
  if (use.key_serial != job->key_serial) {
    return Fault{abi::kStatusSessionNoKey, "the key was replaced while the blt ran"};
  }
  const uint32_t session = use.grant->session;
  Result<void> moved = cipher_.Begin(use.key, CounterBlock::FromBytes(job->counter_block))
                           ? MoveSlices(job, use, session, budget_bytes)
                           : CipherFailed();
  cipher_.Finish();
  WARD_TRY(std::move(moved));
  if (job->done < use.length_bytes) return false;
  if (job->kind == EngineJob::Kind::kEncrypt) {
    const ConstByteSpan stored = HasPlantedBug(PlantedBug::kReadbackKeyForCounter)
                                     ? use.key->key.Expose()
                                     : ConstByteSpan(job->counter_block);
    WARD_TRY(memory_->Write(job->iv_destination, stored));
  }
  return true;
}

Result<void> CryptoEngine::MoveSlices(EngineJob* job, const KeyUse& use, PageOwner session,
                                      uint64_t budget_bytes) {
  // Whole pages, so that no step begins amid a cipher block.
  uint64_t budget = std::max(budget_bytes / kLeastStepBytes * kLeastStepBytes, kLeastStepBytes);
  while (budget != 0 && job->done < use.length_bytes) {
    const uint64_t most = std::min<uint64_t>(budget, BounceBuffer::kMaximumSliceBytes);
    const uint64_t size_bytes = std::min(use.length_bytes - job->done, most);
    if (size_bytes == use.length_bytes) {
      WARD_TRY(MoveSlice(job, use, session, job->source, job->destination));
    } else {
      WARD_TRY(MoveSlice(job, use, session, job->source.Slice(job->done, size_bytes),
                         job->destination.Slice(job->done, size_bytes)));
    }
    job->done += size_bytes;
    budget -= size_bytes;
  }
  return {};
}

Result<void> CryptoEngine::MoveSlice(EngineJob* job, const KeyUse& use, PageOwner session,
                                     const GuestRange& source, const GuestRange& destination) {
  if (IsDecrypt(*job)) {
    WARD_TRY(flow_rule::CheckDecrypt(*memory_, source, destination, session,
                                     MayDecryptOpen(*job, *use.grant)));
  } else {
    WARD_TRY(flow_rule::CheckEncrypt(*memory_, source, destination, session));
  }
  uint64_t offset = job->done;
  if (source.spans().size() == 1 && destination.spans().size() == 1) {  // as a rule
    return MovePiece(job, use, session, offset, source.spans()[0], destination.spans()[0]);
  }
  auto from = source.spans().begin();
  auto to = destination.spans().begin();
  uint64_t from_used = 0;
  uint64_t to_used = 0;
  while (from != source.spans().end()) {
    const uint64_t size = std::min(from->size_bytes() - from_used, to->size_bytes() - to_used);
    WARD_TRY(MovePiece(job, use, session, offset, from->Slice(from_used, size),
                       to->Slice(to_used, size)));
    offset += size;
    from_used += size;
    to_used += size;
    if (from_used == from->size_bytes()) {
      ++from;
      from_used = 0;
    }
    if (to_used == to->size_bytes()) {
      ++to;
      to_used = 0;
    }
  }
  return {};
}

Result<void> CryptoEngine::MovePiece(EngineJob* job, const KeyUse& use, PageOwner session,
                                     uint64_t offset, const PhysicalSpan& source,
                                     const PhysicalSpan& destination) {
  const bool takes = WARD_RULE("5.decrypt_owns", IsDecrypt(*job));
  const uint64_t size = source.size_bytes();
  const uint8_t* in = memory_->OpenForRead(source);
  const bool taken = takes && in != nullptr;  // that read can't fail any more
  if (in != nullptr) {
    // Ownership first: pages that change hands are zeroed, and may have to be scrubbed.
    if (taken) memory_->TakeOwnership(destination, session);
    uint8_t* out = memory_->OpenForWrite(destination);
    const bool disjoint = out != nullptr && (in + size <= out || out + size <= in);
    if (disjoint || (out != nullptr && in == out)) {
      memory_->AddWork(2 * Memory::TransferWork(size));
      const Result<void> applied =
          ApplyKeystream(job, use.pattern, offset, {in, size}, {out, size});
      memory_->CloseWritten(destination, out);  // a cipher that fails has written too
      return applied;
    }
  }
  BounceBuffer* room = Room(&bounce_);
  const ByteSpan bytes = room->bytes().first(size);
  Result<void> moved = memory_->Read(source, bytes);
  if (moved.ok()) moved = ApplyKeystream(job, use.pattern, offset, bytes, bytes);
  if (moved.ok()) {
    if (takes && !taken) memory_->TakeOwnership(destination, session);
    moved = memory_->Write(destination, bytes);
  }
  room->Wipe(size);
  return moved;
}

BounceBuffer* CryptoEngine::Room(std::unique_ptr<BounceBuffer>* room) {
  if (*room == nullptr) {
    *room = std::make_unique<BounceBuffer>(BounceBuffer::kMaximumSliceBytes);
    (*room)->MarkSecret();
  }
  return room->get();
}

// Clear bytes of pattern and sub-samples take no keystream (R9).
Result<void> CryptoEngine::ApplyKeystream(EngineJob* job, const EncryptedBlockInfo& pattern,
                                          uint64_t offset, ConstByteSpan source,
                                          ByteSpan destination) {
  const bool skips_are_used = WARD_BROKEN("R9.skipped_bytes");
  if (HasShortRuns(*job, pattern) && !skips_are_used) {
    return ApplyToShortRuns(job, pattern, offset, source, destination);
  }
  const bool in_place = source.data() == destination.data();
  const uint64_t end = offset + source.size();
  uint64_t from = offset;
  while (from != end) {
    const auto run = FindRun(*job, pattern, from, end);
    const uint64_t clear_end = run ? run->offset : end;
    if (!in_place && clear_end != from) {
      std::memcpy(&destination[from - offset], &source[from - offset], clear_end - from);
    }
    if (!run) break;
    const uint64_t at = run->offset - offset;
    memory_->AddWork(Memory::kPieceWork + run->size);
    uint64_t size = run->size;
    if (HasPlantedBug(PlantedBug::kEncryptTailInClear) && job->kind == EngineJob::Kind::kEncrypt) {
      size -= size % kAesBlockBytes;
      std::copy(&source[at + size], &source[at] + run->size, &destination[at + size]);
    }
    if (!ApplyCipher(skips_are_used ? run->offset : run->position, source.subspan(at, size),
                     destination.subspan(at, size))) {
      return CipherFailed();
    }
    const bool is_odd = IsDecrypt(*job) && run->offset == 0 && (destination[at] & 1) != 0;
    if (HasPlantedBug(PlantedBug::kContentSniffed) && is_odd) {
      return Fault{abi::kStatusOperandInvalid, "content that no decoder takes"};
    }
    job->keystream_position += run->size;
    from = run->offset + run->size;
  }
  return {};
}

bool CryptoEngine::ApplyCipher(uint64_t position, ConstByteSpan source, ByteSpan destination) {
  // What takes about as long as handing it over.
  static constexpr uint64_t kLeastPieceBytes = 16 << 10;
  const uint64_t size = source.size();
  if (executor_ == nullptr || size < 2 * kLeastPieceBytes || !cipher_.CanShare()) {
    return cipher_.Apply(position, source, destination);
  }
  constexpr size_t kMostPieces = BounceBuffer::kMaximumSliceBytes / kLeastPieceBytes;
  struct Pieces final : ExecutorPort::Work {
    void Run(uint32_t piece) override {
      const uint64_t at = piece * kLeastPieceBytes;
      const uint64_t piece_bytes = std::min(kLeastPieceBytes, source.size() - at);
      is_done[piece] = cipher->ApplyShared(position + at, source.subspan(at, piece_bytes),
                                           destination.subspan(at, piece_bytes));
    }
    const CtrEngine* cipher;
    uint64_t position;
    ConstByteSpan source;
    ByteSpan destination;
    bool is_done[kMostPieces] = {};
  } pieces;
  pieces.cipher = &cipher_;
  pieces.position = position;
  pieces.source = source;
  pieces.destination = destination;
  const auto count = static_cast<uint32_t>((size + kLeastPieceBytes - 1) / kLeastPieceBytes);
  WARD_ASSERT(count <= kMostPieces);
  executor_->RunAll(count, &pieces);
  // What another thread had no memory for is done here, where Begin has found it possible.
  for (uint32_t piece = 0; piece < count; ++piece) {
    if (!pieces.is_done[piece]) pieces.Run(piece);
  }
  return true;
}

// The keystream of the whole piece in one go, then XOR.
Result<void> CryptoEngine::ApplyToShortRuns(EngineJob* job, const EncryptedBlockInfo& pattern,
                                            uint64_t offset, ConstByteSpan source,
                                            ByteSpan destination) {
  const uint64_t position = CountEncryptedBytes(pattern, offset);
  const uint64_t size = CountEncryptedBytes(pattern, offset + source.size()) - position;
  BounceBuffer* room = Room(&keystream_);
  const ByteSpan keystream = room->bytes().first(size);  // zeros
  if (!cipher_.Apply(position, keystream, keystream)) {
    room->Wipe(size);
    return CipherFailed();
  }
  const uint64_t runs = XorEncryptedBytes(pattern, offset, source, destination, keystream.data());
  room->Wipe(size);
  memory_->AddWork(Memory::kPieceWork * runs + size);
  job->keystream_position += size;
  return {};
}

}  // namespace ward::device
