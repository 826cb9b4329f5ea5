// A race on purpose: ThreadSanitizer has to report it, or its silence about the others says
// nothing.
#include <cstdio>
#include <thread>

int main() {
  int shared = 0;
  const auto add = [&shared] {
    for (int i = 0; i < 1000; ++i) ++shared;
  };
  std::thread first(add);
  std::thread second(add);
  first.join();
  second.join();
  std::printf("%d, and nobody saw the race\n", shared);
}
