"""The conformance programs of a build: which cases they have, and what becomes of them."""
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

# "Job.Case: sentence". Cases of other shapes belong to no job.
JOB = re.compile(r"([A-Z]\w*(?: \w+)*)\.\w+:")
SPECIAL = re.compile(r'[\\,\[\]"]')  # in a list of names
BROKEN_RULE = "WARD_BROKEN_RULE"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    job: str
    tags: frozenset[str]
    program: pathlib.Path

    @property
    def is_negative(self):
        return "negative" in self.tags


def find_programs(build):
    folder = pathlib.Path(build) / "tests" / "conformance"
    return sorted(path for path in folder.rglob("conformance_*")
                  if path.is_file() and os.access(path, os.X_OK))


def list_tags(program):
    """Name -> tags of all cases of a program."""
    listing = subprocess.run([program, "--list-tests", "--reporter", "xml"], check=True,
                             capture_output=True, text=True).stdout
    return {entry.findtext("Name").strip():
            frozenset(re.findall(r"\[([^\]]+)\]", entry.findtext("Tags") or ""))
            for entry in ElementTree.fromstring(listing).iter("TestCase")}


def list_cases(program):
    """The cases of jobs that a program has."""
    found = ((name, JOB.match(name), tags) for name, tags in list_tags(program).items())
    return [Case(name, job[1], tags, program) for name, job, tags in found if job]


def run_cases(cases, broken_rule=None, limit_s=60, identity=None):
    """Name -> "passed", "failed" (by an assertion), or what else became of it.

    `cases` are one program's. Programs that follow each other share the device in `identity`."""
    with tempfile.TemporaryDirectory(prefix="ward-rules-") as folder:
        report = pathlib.Path(folder) / "report.xml"
        chosen = pathlib.Path(folder) / "cases"
        chosen.write_text("".join(SPECIAL.sub(r"\\\g<0>", case.name) + "\n" for case in cases))
        environment = dict(os.environ)
        environment.pop(BROKEN_RULE, None)
        if identity:
            environment["WARD_TEST_IDENTITY"] = str(identity)
        if broken_rule:
            environment[BROKEN_RULE] = broken_rule
        command = [cases[0].program, "--input-file", chosen, "--reporter", f"xml::out={report}"]
        try:
            code = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=limit_s).returncode
        except subprocess.TimeoutExpired:
            return {case.name: f"did not end within {limit_s} s" for case in cases}
        if code < 0:
            return {case.name: f"the program died of signal {-code}" for case in cases}
        outcomes = read_report(report.read_text())
    return {case.name: outcomes.get(case.name, "did not run") for case in cases}


def read_report(text):
    """Name -> "passed", "skipped", "failed" (by an assertion), "crashed" or "threw an exception"."""
    return {entry.get("name").strip(): _outcome(entry)
            for entry in ElementTree.fromstring(text).iter("TestCase")}


def _outcome(entry):
    result = entry.find("OverallResult")
    # A SKIP inside of an assertion is an exception to it, and no failure.
    failed = entry.find(".//Failure") is not None or any(
        found.get("success") == "false" and found.find("Exception") is None
        for found in entry.iter("Expression"))
    if entry.find(".//FatalErrorCondition") is not None:
        return "crashed"
    if result.get("skips", "0") != "0" and not failed:
        return "skipped"
    if result.get("success") == "true":
        return "passed"
    if failed or any(found.get("success") == "false" for found in entry.iter("Expression")):
        return "failed"
    return "threw an exception"


def explain(text, name):
    """What of the case `name` did not hold: the place, what was written, what it came to."""
    lines = []
    for entry in ElementTree.fromstring(text).iter("TestCase"):
        if entry.get("name").strip() != name:
            continue
        for found in entry.iter():
            place = f"{found.get('filename')}:{found.get('line')}"
            if found.tag == "Expression" and found.get("success") == "false":
                written, came = (found.findtext(tag, "").strip() for tag in ("Original", "Expanded"))
                lines.append(f"  {place}: {written}, which came to {came}")
            elif found.tag in ("Failure", "Exception", "FatalErrorCondition"):
                lines.append(f"  {place}: {(found.text or '').strip()}")
    return "\n".join(lines)
