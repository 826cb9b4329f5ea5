#include "base/result.h"

#include <memory>
#include <string_view>

#include "catch2/catch_test_macros.hpp"

namespace ward {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Fault{7, "odd"};
  return value / 2;
}

Result<int> Quarter(int value) {
  WARD_ASSIGN_OR_RETURN(int half, Half(value));
  return Half(half);
}

Result<void> Check(int value) {
  WARD_TRY(Quarter(value));
  return {};
}

TEST_CASE("a fault travels through ASSIGN_OR_RETURN and TRY unchanged") {
  CHECK(Quarter(8).value() == 2);
  CHECK(Quarter(6).fault().status == 7);
  CHECK(Check(8).ok());
  CHECK(Check(7).fault().reason == std::string_view("odd"));
}

TEST_CASE("a Result moves its value and destroys it once") {
  auto counter = std::make_shared<int>(1);
  {
    Result<std::shared_ptr<int>> first(counter);
    Result<std::shared_ptr<int>> second(std::move(first));
    CHECK(second.value() == counter);
  }
  CHECK(counter.use_count() == 1);
}

}  // namespace
}  // namespace ward
