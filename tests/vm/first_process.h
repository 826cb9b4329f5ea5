// What a program does that is a guest's first process, in place of tools/vm/init.sh: each program
// less that is started is some 20 ms less of a boot under TCG.
#ifndef WARD_TESTS_VM_FIRST_PROCESS_H_
#define WARD_TESTS_VM_FIRST_PROCESS_H_

namespace ward::test {

bool IsFirstProcess();

// Mounts the kernel's file systems, makes the second serial port the standard input and output, and
// tells the host that the guest is ready. False when one of them fails.
bool BecomeInit();

// Tells the host the exit code and switches the guest off.
[[noreturn]] void PowerOff(int code);

}  // namespace ward::test

#endif  // WARD_TESTS_VM_FIRST_PROCESS_H_
