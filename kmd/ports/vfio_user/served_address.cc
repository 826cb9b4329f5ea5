#include "kmd/ports/vfio_user/served_address.h"

#include <charconv>
#include <limits>
#include <string_view>

namespace ward::kmd {
namespace {

constexpr std::string_view kUnixPrefix = "vfio-user:";
constexpr std::string_view kTcpPrefix = "tcp:";
constexpr std::string_view kForms =
    "write \"vfio-user:PATH[,messages][,timeout=MS]\" or "
    "\"tcp:HOST:PORT[,key=FILE][,timeout=MS]\"";

bool ParseNumber(std::string_view text, uint32_t limit, uint32_t* number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc{} && stop == end && *number != 0 && *number <= limit;
}

bool ParseHost(std::string_view text, ServedAddress* address) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return false;  // an IPv6 address without brackets: which colon is the port's?
  }
  uint32_t port = 0;
  if (host.empty() || !ParseNumber(text.substr(colon + 1), UINT16_MAX, &port)) return false;
  address->host = host == "localhost" ? "127.0.0.1" : std::string(host);
  address->port = static_cast<uint16_t>(port);
  return true;
}

bool ParseOption(std::string_view option, ServedAddress* address) {
  const size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view{} : option.substr(equals + 1);
  if (name == "timeout") {
    return ParseNumber(value, std::numeric_limits<int32_t>::max(), &address->timeout_ms);
  }
  if (name == "key" && address->is_tcp) {
    address->key_file = value;
    return !value.empty();
  }
  if (option == "messages" && !address->is_tcp) {
    address->by_messages = true;
    return true;
  }
  return false;
}

}  // namespace

bool ServedAddress::IsOne(const std::string& where) {
  return where.starts_with(kUnixPrefix) || where.starts_with(kTcpPrefix);
}

std::optional<ServedAddress> ServedAddress::Parse(const std::string& where, std::string* error) {
  const auto refuse = [&](const std::string& what) {
    *error = "\"" + where + "\": " + what + "; " + std::string(kForms);
    return std::nullopt;
  };
  if (!IsOne(where)) return refuse("not the address of a served device");
  ServedAddress address;
  address.is_tcp = where.starts_with(kTcpPrefix);
  address.by_messages = address.is_tcp;
  std::string_view rest(where);
  rest.remove_prefix((address.is_tcp ? kTcpPrefix : kUnixPrefix).size());
  const std::string_view place = rest.substr(0, rest.find(','));
  if (address.is_tcp) {
    if (!ParseHost(place, &address)) return refuse("no host and port");
  } else {
    address.path = place;
    if (place.empty()) return refuse("no path");
  }
  rest.remove_prefix(place.size());
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the comma
    const std::string_view option = rest.substr(0, rest.find(','));
    if (!ParseOption(option, &address)) return refuse("no option \"" + std::string(option) + "\"");
    rest.remove_prefix(option.size());
  }
  return address;
}

}  // namespace ward::kmd
