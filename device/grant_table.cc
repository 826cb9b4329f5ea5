#include "device/grant_table.h"

#include "abi/generated/status.h"
#include "base/assert.h"
#include "base/planted_bug.h"
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
  changed_ = true;
  return grants_[index];
}

void GrantTable::Clear() {
  changed_ = true;
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
  changed_ = true;
  Grant& grant = grants_[index];
  const bool is_own = grant.context == context || HasPlantedBug(PlantedBug::kSessionOfAnyContext);
  return grant.session == session && is_own ? &grant : nullptr;
}

bool GrantTable::CanLoad(const std::vector<Grant>& grants, uint32_t slot_count) const {
  if (grants.size() != grants_.size()) return false;
  for (size_t index = 0; index < grants.size(); ++index) {
    const Grant& grant = grants[index];
    if (grant.session != 0 && (grant.session & 0xffff) != index) return false;
    for (const uint32_t slot : {grant.session_slot, grant.content_slot, grant.readback_slot}) {
      if (slot != kNoSlot && slot >= slot_count) return false;
    }
  }
  return true;
}

void GrantTable::Hash(StateHasher* hasher) const {
  for (const Grant& grant : grants_) WalkState(*hasher, grant);
}

}  // namespace ward::device
