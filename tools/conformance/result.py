#!/usr/bin/env python3
"""What proving the rules found out, and the table of cases per job.

usage: result.py counts|failures|table FILE   (of prove_rules.py --json)
"""
import dataclasses
import json
import pathlib
import sys

COLUMNS = ("job", "cases", "negative", "rules", "caught")


@dataclasses.dataclass
class Result:
    jobs: list[dict]  # of COLUMNS; the last one is the sum
    rules: dict[str, dict[str, str]]  # case -> what it did instead of failing; empty: caught
    mistakes: list[str]

    @classmethod
    def make(cls, rules, cases, results, mistakes):
        rows = [make_row(job, [case for case in cases if case.job == job], rules, results)
                for job in sorted({case.job for case in cases})]
        # A rule that cases of two jobs catch counts once in the sum.
        rows.append(make_row("all", cases, rules, results))
        return cls(rows, results, mistakes)

    @classmethod
    def read(cls, path):
        return cls(**json.loads(pathlib.Path(path).read_text()))

    def write(self, path):
        pathlib.Path(path).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @property
    def passed(self):
        return sum(not outcomes for outcomes in self.rules.values())

    @property
    def failed(self):
        return len(self.rules) - self.passed + len(self.mistakes)

    def print_failures(self):
        for mistake in self.mistakes:
            print(f"mistake: {mistake}")
        for name, outcomes in sorted(self.rules.items()):
            for case, outcome in outcomes.items():
                print(f"not caught: rule '{name}': case '{case}' {outcome}")

    def print_table(self):
        print(f"{'job':<22} {'cases':>6} {'negative':>9} {'rules':>6} {'mutants caught':>15}")
        for row in self.jobs:
            print("{:<22} {:>6} {:>9} {:>6} {:>15}".format(*(row[key] for key in COLUMNS)))


def make_row(job, cases, rules, results):
    named = [rule for rule in rules if any(rule.names(case.name) for case in cases)]
    caught = sum(results.get(rule.name) == {} for rule in named)
    negative = sum(case.is_negative for case in cases)
    return dict(zip(COLUMNS, (job, len(cases), negative, len(named), caught)))


def main():
    what, path = sys.argv[1:]
    result = Result.read(path)
    if what == "counts":
        print(result.passed, result.failed, 0)
    elif what == "failures":
        result.print_failures()
    else:
        result.print_table()


if __name__ == "__main__":
    main()
