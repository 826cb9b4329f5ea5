#include "emulator/vfio_user/sandbox.h"

#include <seccomp.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>

#include "fmt/format.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WARD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WARD_SANITIZED 1
#endif
#endif

namespace ward::emulator {

#ifdef WARD_SANITIZED

bool EnterSandbox(std::string*) { return true; }

#else

namespace {

constexpr int kAllowed[] = {
    // Clients: their connections, descriptors, memory files and eventfds.
    SCMP_SYS(accept4), SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
    SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(shutdown), SCMP_SYS(read),
    SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fcntl),
    SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(statx), SCMP_SYS(newfstatat), SCMP_SYS(lstat),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(memfd_create), SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    // Traces and recordings that are open already, and our own sockets' names at the end.
    SCMP_SYS(lseek), SCMP_SYS(pwrite64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    // Waiting and time.
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(timerfd_settime), SCMP_SYS(timer_create), SCMP_SYS(timer_settime),
    SCMP_SYS(timer_delete), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
    // Memory and entropy.
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    SCMP_SYS(mlock), SCMP_SYS(munlock), SCMP_SYS(brk), SCMP_SYS(getrandom),
    // Signals, threads that end, and the end.
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(getpid), SCMP_SYS(gettid),
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(sigaltstack), SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity), SCMP_SYS(getuid), SCMP_SYS(geteuid)};

struct ContextRelease {
  void operator()(void* context) const { seccomp_release(context); }
};

}  // namespace

bool EnterSandbox(std::string* error) {
  const std::unique_ptr<void, ContextRelease> context(seccomp_init(SCMP_ACT_KILL_PROCESS));
  int result = context == nullptr ? -ENOMEM : 0;
  // All threads, those that run already too.
  if (result == 0) result = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  for (const int call : kAllowed) {
    if (result == 0) result = seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, call, 0);
  }
  // Asio makes descriptors non-blocking so.
  if (result == 0) {
    const scmp_arg_cmp is_nonblocking = {1, SCMP_CMP_EQ, FIONBIO, 0};
    result =
        seccomp_rule_add_array(context.get(), SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &is_nonblocking);
  }
  // The C library looks for settings of the system when its heap shrinks, and goes on without them.
  if (result == 0) {
    result = seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
  }
  if (result == 0) result = seccomp_load(context.get());
  if (result == 0) return true;
  *error = fmt::format(
      "the system calls can't be restricted ({}): this kernel has no seccomp filters; serve "
      "without "
      "them, if you trust the clients, with --no-sandbox",
      std::strerror(-result));
  return false;
}

#endif

}  // namespace ward::emulator
