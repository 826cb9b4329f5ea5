"""What tests/conformance/rules/*.toml says, held against the sources that enforce the rules."""
import dataclasses
import pathlib
import re
import tomllib

SOURCE_FOLDERS = ("base", "device", "emulator", "firmware", "kmd", "runtime", "umd")
MARK = re.compile(r"\bWARD_(?:RULE|BROKEN)\(\s*\"([^\"]+)\"")
NAME = re.compile(r"[A-Za-z0-9]+(?:[._][A-Za-z0-9]+)+")


@dataclasses.dataclass(frozen=True)
class Rule:
    name: str
    source: str  # section or resolution of the DDI's description
    text: str
    cases: tuple[str, ...]  # beginnings of case names

    def names(self, case):
        """Whether this is one of the rule's cases: "Job.Case", or as much behind it as given."""
        return any(case == start or case.startswith(start) and case[len(start)] in ": "
                   for start in self.cases)


@dataclasses.dataclass(frozen=True)
class Explanation:
    case: str
    why: str


@dataclasses.dataclass(frozen=True)
class Unseen:
    """Two neighbours of an order, and why nobody can tell which came first."""
    section: str
    first: str
    second: str
    why: str

    @property
    def rule(self):
        return order_rule(self.section, self.first, self.second)


def order_rule(section, first, second):
    return f"{section}.order.{first}_{second}"


def check_orders(orders, unseen, names):
    """Mistakes: neighbours whose order no rule has and no reason explains."""
    pairs = {order_rule(order["section"], *pair): f"{order['section']}: {' before '.join(pair)}"
             for order in orders for pair in zip(order["checks"], order["checks"][1:])}
    reasons = {entry.rule for entry in unseen}
    return ([f"no rule breaks the order {text}" for rule, text in pairs.items()
             if rule not in names and rule not in reasons] +
            [f"'{rule}' is listed: its order is seen" for rule in sorted(reasons & set(names))] +
            [f"'{rule}' is no pair of neighbours" for rule in sorted(reasons - set(pairs))])


def read_folder(folder):
    """(rules, explanations, mistakes) of all files in `folder`."""
    rules, explanations, mistakes, orders, unseen = [], [], [], [], []
    for path in sorted(pathlib.Path(folder).glob("*.toml")):
        with open(path, "rb") as file:
            document = tomllib.load(file)
        for entry in document.pop("rule", []):
            cases = entry.get("case", [])
            cases = (cases,) if isinstance(cases, str) else tuple(cases)
            missing = [key for key in ("name", "source", "text", "case") if not entry.get(key)]
            if missing or set(entry) - {"name", "source", "text", "case"}:
                mistakes.append(f"{path.name}: a rule has name, source, text and case: {entry}")
                continue
            rules.append(Rule(entry["name"], entry["source"], entry["text"], cases))
        for entry in document.pop("explained", []):
            explanations.append(Explanation(entry["case"], entry["why"]))
        orders += document.pop("order", [])
        unseen += [Unseen(**entry) for entry in document.pop("unseen", [])]
        mistakes += [f"{path.name}: unknown table '{key}'" for key in document]
    names = [rule.name for rule in rules]
    mistakes += [f"rule '{name}' is listed twice" for name in sorted(set(names))
                 if names.count(name) > 1]
    mistakes += [f"'{name}' is no name of a rule" for name in names if not NAME.fullmatch(name)]
    mistakes += check_orders(orders, unseen, names)
    return rules, explanations, mistakes


def find_marks(root):
    """Name of a rule -> the files that enforce it."""
    marks = {}
    for folder in SOURCE_FOLDERS:
        for path in sorted((pathlib.Path(root) / folder).rglob("*")):
            if path.suffix not in (".cc", ".h") or path.name == "rule.h":
                continue
            for name in MARK.findall(path.read_text()):
                marks.setdefault(name, set()).add(str(path.relative_to(root)))
    return marks


def compare(rules, explanations, marks, cases):
    """Mistakes: rules without code, code without rules, cases that prove nothing."""
    listed = {rule.name for rule in rules}
    mistakes = [f"rule '{name}' is listed and nothing enforces it"
                for name in sorted(listed - set(marks))]
    mistakes += [f"rule '{name}' of {', '.join(sorted(marks[name]))} is not listed"
                 for name in sorted(set(marks) - listed)]
    for rule in rules:
        single = Rule(rule.name, rule.source, rule.text, ())
        for start in rule.cases:
            one = dataclasses.replace(single, cases=(start,))
            if not any(one.names(case.name) for case in cases):
                mistakes.append(f"rule '{rule.name}' names the case '{start}', which is not there")
    for case in cases:
        catches = any(rule.names(case.name) for rule in rules)
        explained = any(Rule("", "", "", (entry.case,)).names(case.name)
                        for entry in explanations)
        if not catches and not explained:
            mistakes.append(f"case '{case.name}' catches no rule and is not explained")
        if catches and explained:
            mistakes.append(f"case '{case.name}' catches a rule: it needs no explanation")
    return mistakes
