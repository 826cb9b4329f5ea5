#include "runtime/event_book.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "abi/generated/status.h"
#include "base/rule.h"

namespace ward::runtime {
namespace {

// Printable, then zeros, at least one.
bool IsText(const uint8_t (&text)[sizeof(abi::EventReport::last_reason)]) {
  const auto is_zero = [](uint8_t byte) { return byte == 0; };
  const auto end = std::find_if(std::begin(text), std::end(text), is_zero);
  return end != std::end(text) && std::all_of(end, std::end(text), is_zero) &&
         std::all_of(std::begin(text), end,
                     [](uint8_t byte) { return byte >= ' ' && byte <= '~'; });
}

std::string Hexadecimal(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%x", value);
  return text;
}

std::string StatusText(uint32_t status) {
  const abi::StatusInfo* info = abi::FindStatus(status);
  return info != nullptr ? info->name : "status " + Hexadecimal(status);
}

}  // namespace

std::string EventReport::Text() const {
  std::string text = "no session:";
  if (session != 0) text.assign("session ").append(Hexadecimal(session)).append(":");
  const char* separator = " ";
  const auto add = [&](uint32_t count, const char* what) {
    text.append(separator).append(std::to_string(count)).append(what);
    separator = "; ";
  };
  if (driver_events != 0) {
    add(driver_events, " refused by the driver, last: ");
    text.append(last_reason);
  }
  if (refusal_count != 0) {
    add(refusal_count, " refused by the device, last: ");
    text.append(StatusText(last_refusal));
  }
  if (iv_repeats != 0) add(iv_repeats, " decryptions with counters of earlier ones");
  return text;
}

bool EventBook::IsSound(const abi::EventReport& report) const {
  const bool has_reserved =
      std::any_of(std::begin(report.reserved_20), std::end(report.reserved_20),
                  [](uint8_t byte) { return byte != 0; });
  if (WARD_RULE("events.reserved", has_reserved)) return false;
  // generation << 16 | index
  const bool is_session = report.session >> 16 != 0 && (report.session & 0xffff) < session_count_;
  if (WARD_RULE("events.session", report.session != 0 && !is_session)) return false;
  return !WARD_RULE("events.text", !IsText(report.last_reason));
}

bool EventBook::Tell(uint32_t device, const abi::EventReport& report) {
  if (!IsSound(report)) return false;
  std::erase_if(reports_, [&](const EventReport& kept) {
    return kept.device == device && kept.session == report.session;
  });
  MakeRoom(device);
  reports_.push_back({device, report.session, report.driver_events, report.refusal_count,
                      report.last_refusal, report.iv_repeats,
                      reinterpret_cast<const char*>(report.last_reason)});
  return true;
}

bool EventBook::Ask(uint32_t device, abi::EventReport* report) const {
  const auto found = std::find_if(reports_.begin(), reports_.end(), [&](const EventReport& kept) {
    const bool is_own = WARD_BROKEN("events.own_device") || kept.device == device;
    return is_own && kept.session == report->session;
  });
  if (found == reports_.end()) return false;
  report->driver_events = found->driver_events;
  report->refusal_count = found->refusal_count;
  report->last_refusal = found->last_refusal;
  report->iv_repeats = found->iv_repeats;
  std::fill(std::begin(report->last_reason), std::end(report->last_reason), uint8_t{0});
  std::copy(found->last_reason.begin(), found->last_reason.end(), std::begin(report->last_reason));
  return true;
}

void EventBook::MakeRoom(uint32_t device) {
  if (WARD_BROKEN("events.bounded")) return;
  const auto is_of_device = [device](const EventReport& kept) { return kept.device == device; };
  if (std::count_if(reports_.begin(), reports_.end(), is_of_device) >=
      std::ptrdiff_t{kReportsOfDevice}) {
    reports_.erase(std::find_if(reports_.begin(), reports_.end(), is_of_device));
  } else if (reports_.size() >= kReports) {
    reports_.erase(reports_.begin());
  }
}

}  // namespace ward::runtime
