// Result<T> holds a T or a Fault. No exceptions in device, firmware, kmd and umd: what can go wrong
// because of a guest or a caller travels upwards as a value. Freestanding: firmware uses it too.
#ifndef WARD_BASE_RESULT_H_
#define WARD_BASE_RESULT_H_

#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace ward {

// An outcome that is not success. `status` is a code of abi/status.toml and never 0 (OK); `reason`
// is a string literal for people who debug, never built from fetched data; `address` is the guest
// address that the fault is about, 0 when it is about none.
struct Fault {
  uint32_t status;
  const char* reason;
  uint64_t address = 0;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : ok_(true) { new (&storage_.value) T(std::move(value)); }  // NOLINT: implicit
  Result(Fault fault) : ok_(false) {                                          // NOLINT: implicit
    storage_.fault = fault;
    WARD_ASSERT(fault.status != 0);
  }
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      new (&storage_.value) T(std::move(other.storage_.value));
    } else {
      storage_.fault = other.storage_.fault;
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&&) = delete;
  ~Result() {
    if (ok_) storage_.value.~T();
  }

  bool ok() const { return ok_; }
  const Fault& fault() const {
    WARD_ASSERT(!ok_);
    return storage_.fault;
  }
  T& value() {
    WARD_ASSERT(ok_);
    return storage_.value;
  }
  const T& value() const {
    WARD_ASSERT(ok_);
    return storage_.value;
  }

 private:
  union Storage {
    Storage() {}
    ~Storage() {}
    T value;
    Fault fault;
  };
  Storage storage_;
  bool ok_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Fault fault) : fault_(fault) { WARD_ASSERT(fault.status != 0); }  // NOLINT: implicit

  bool ok() const { return fault_.status == 0; }
  const Fault& fault() const {
    WARD_ASSERT(!ok());
    return fault_;
  }

 private:
  Fault fault_{0, ""};
};

#define WARD_CONCAT_INNER(a, b) a##b
#define WARD_CONCAT(a, b) WARD_CONCAT_INNER(a, b)

// Returns the fault of `expression` from the enclosing function, if it has one.
#define WARD_TRY(expression)                            \
  do {                                                  \
    if (auto ward_try = (expression); !ward_try.ok()) { \
      return ward_try.fault();                          \
    }                                                   \
  } while (false)

// Declares `lhs` from the value of `expression`, or returns its fault.
#define WARD_ASSIGN_OR_RETURN(lhs, expression) \
  WARD_ASSIGN_OR_RETURN_INNER(lhs, expression, WARD_CONCAT(ward_result_, __LINE__))
#define WARD_ASSIGN_OR_RETURN_INNER(lhs, expression, result) \
  auto result = (expression);                                \
  if (!result.ok()) return result.fault();                   \
  lhs = std::move(result.value())

}  // namespace ward

#endif  // WARD_BASE_RESULT_H_
