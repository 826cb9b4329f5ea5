#include "tests/fuzz/device/counter_model.h"

#include "base/bytes.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {

CounterModel::Session* CounterModel::Find(uint32_t number) {
  for (Session& session : sessions_) {
    if (session.number == number) return &session;
  }
  sessions_.push_back({number, true, 0, {}});
  return &sessions_.back();
}

void CounterModel::OnDecrypt(const abi::DecryptBltCommand& blt) {
  Session* session = Find(blt.session);
  if ((blt.flags & abi::DecryptBltCommand::kFlagPattern) != 0) session->is_known = false;
  const bool by_content_key = (blt.flags & abi::DecryptBltCommand::kFlagContentKey) != 0;
  Furthest& furthest = session->furthest[by_content_key ? 1 : 0];
  const Place start = {LoadBe64(blt.iv), LoadBe64(blt.iv + 8)};
  const uint64_t blocks = (uint64_t{blt.length_bytes} + 15) / 16;
  if (blocks == 0) return;
  // Count is 64 bits wide and wraps without carry: what goes round uses counters from 0 on, and no
  // counter of that IV is left behind it.
  const uint64_t last = start.count + (blocks - 1);
  const bool goes_round = last < start.count;
  const bool is_used_up = goes_round || last == UINT64_MAX;
  const Place lowest = {start.iv, goes_round ? 0 : start.count};
  Place end = {start.iv, last + 1};
  if (is_used_up)
    end = start.iv == UINT64_MAX ? Place{UINT64_MAX, UINT64_MAX} : Place{start.iv + 1, 0};
  if (furthest.is_used && IsBefore(lowest, furthest.end)) ++session->repeats;
  if (!furthest.is_used || !IsBefore(end, furthest.end)) furthest = {true, end};
}

void CounterModel::Forget(uint32_t session) { Find(session)->is_known = false; }

void CounterModel::OnNewKey(uint32_t number) {
  Session* session = Find(number);
  if (session->furthest[0].is_used || session->furthest[1].is_used) session->is_known = false;
}

void CounterModel::Check(uint32_t session, uint32_t iv_repeats) const {
  for (const Session& known : sessions_) {
    if (known.number != session || !known.is_known) continue;
    Expect(known.repeats == iv_repeats, "counter_reuse",
           "a session's count of repeated counters is not what it used");
  }
}

}  // namespace ward::fuzz
