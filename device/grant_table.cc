#include "device/grant_table.h"

#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/rule.h"

namespace ward::device {

Result<Grant*> GrantTable::Find(uint32_t session, uint32_t context) {
  Grant* grant = FindOwned(session, context);
  if (grant == nullptr) {
    return Fault{abi::kStatusSessionInvalid, "the context has no such session"};
  }
  if (WARD_RULE("teardown.engine", grant->torn_down)) {
    return Fault{abi::kStatusSessionLost, "the session was torn down"};
  }
  return grant;
}

const Grant* GrantTable::FindOwner(uint32_t session) const {
  const uint32_t index = session & 0xffff;
  if (session == 0 || index >= grants_.size() || grants_[index].session != session) return nullptr;
  return &grants_[index];
}

Grant& GrantTable::At(uint32_t index) {
  WARD_ASSERT(index < grants_.size());
  return grants_[index];
}

void GrantTable::Clear() {
  for (Grant& grant : grants_) grant = Grant();
}

void GrantTable::CountRefusal(uint32_t session, uint32_t context, uint32_t status) {
  Grant* grant = FindOwned(session, context);
  if (grant == nullptr) return;
  if (grant->refusal_count != UINT32_MAX) ++grant->refusal_count;
  grant->last_refusal = status;
}

Grant* GrantTable::FindOwned(uint32_t session, uint32_t context) {
  const uint32_t index = session & 0xffff;
  if (session == 0 || index >= grants_.size()) return nullptr;
  Grant& grant = grants_[index];
  return grant.session == session && grant.context == context ? &grant : nullptr;
}

void GrantTable::Hash(StateHasher* hasher) const {
  for (const Grant& grant : grants_) {
    hasher->Add(grant.session);
    if (grant.session == 0) continue;
    hasher->Add(grant.context);
    hasher->Add(grant.torn_down ? 1 : 0);
    hasher->Add(grant.needs_full_screen ? 1 : 0);
    hasher->Add(grant.open_decrypt ? 1 : 0);
    for (uint32_t slot : {grant.session_slot, grant.content_slot, grant.readback_slot}) {
      hasher->Add(slot);
    }
    hasher->Add(grant.readback_iv);
    for (const Grant::IvFloor& floor : grant.floors) {
      hasher->Add(floor.used ? 1 : 0);
      hasher->Add(floor.iv);
      hasher->Add(floor.count);
    }
    hasher->Add(grant.refusal_count);
    hasher->Add(grant.last_refusal);
    hasher->Add(grant.iv_repeats);
  }
}

}  // namespace ward::device
