#include "base/secret_bytes.h"

#include <new>
#include <sstream>
#include <type_traits>

#include "catch2/catch_test_macros.hpp"

namespace ward {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

using Key = SecretBytes<16>;
static_assert(!Printable<Key>);
static_assert(!std::is_copy_constructible_v<Key>);
static_assert(!std::is_copy_assignable_v<Key>);

TEST_CASE("the storage holds zeros after the secret has ended") {
  alignas(Key) uint8_t storage[sizeof(Key)];
  Key* key = new (storage) Key;
  for (uint8_t& byte : key->Expose()) byte = 0xa5;
  key->~Key();
  int nonzero = 0;
  for (uint8_t byte : storage) nonzero += byte != 0;
  CHECK(nonzero == 0);
}

TEST_CASE("a moved-from secret is wiped and its value arrives") {
  Key from;
  from.Expose()[3] = 0x42;
  Key to(std::move(from));
  CHECK(to.Expose()[3] == 0x42);
  CHECK(from.Expose()[3] == 0);  // NOLINT: the moved-from state is what is tested
}

TEST_CASE("comparison sees a difference in any byte") {
  Key a, b;
  CHECK(a == b);
  for (size_t i = 0; i < 16; ++i) {
    b.Expose()[i] = 1;
    CHECK_FALSE(a == b);
    b.Expose()[i] = 0;
  }
}

}  // namespace
}  // namespace ward
