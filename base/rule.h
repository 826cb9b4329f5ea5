// Rules that the conformance suite proves one by one. WARD_RULE(name, condition) is `condition`,
// and WARD_BROKEN(name) is false. In the build of mutants (CMake option WARD_MUTANTS) a process can
// be started with one rule broken: its conditions are false without being looked at, its
// WARD_BROKEN is true, and the case that names the rule has to fail (tests/conformance/rules/).
#ifndef WARD_BASE_RULE_H_
#define WARD_BASE_RULE_H_

#ifdef WARD_MUTANTS
namespace ward {
// Whether this process runs with the rule of that name broken. The build of mutants defines it.
bool IsBroken(const char* rule);
}  // namespace ward
#define WARD_RULE(rule, ...) (!::ward::IsBroken(rule) && (__VA_ARGS__))
#define WARD_BROKEN(rule) ::ward::IsBroken(rule)
#else
#define WARD_RULE(rule, ...) (__VA_ARGS__)
#define WARD_BROKEN(rule) false
#endif

#endif  // WARD_BASE_RULE_H_
