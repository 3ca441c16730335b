"""Breaks one defence at a time and requires that a test notices.

The tables beside this file (NN-*.toml, one a row of the attack table in Protocols/secure-aggregation.md) name the exact
text of each defence, what an attacker would put in its place, and the tests that must fail then. This program copies the
cores and their tests to .build/mutants, builds and runs them unchanged, and then once for every mutant. A mutant that one
of its tests lets through, without a failed expectation, has survived: the program prints it and ends with status 1.

Python standard library only. See `make mutants` and `mutants.py --help`.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import tomllib

TABLES = pathlib.Path(__file__).resolve().parent
CHECKOUT = TABLES.parent.parent
WORK = CHECKOUT / ".build" / "mutants"
# Cores only: nothing here opens a socket or a database, so a rebuild takes seconds.
TARGETS = [
    "Consent", "Cryptography", "DifferentialPrivacy", "Evidence", "Learning", "Locking", "MerkleLog", "Rounds",
    "SecureAggregation", "Vectors", "WireFormat",
]
TESTED = ["Cryptography", "DifferentialPrivacy", "Evidence", "Rounds", "SecureAggregation", "Vectors", "WireFormat"]
FOLDERS = (
    ["Sources/COpenSSL", "Tests/TestSupport"]
    + [f"Sources/{name}" for name in TARGETS]
    + [f"Tests/{name}Tests" for name in TESTED]
)
BUILD_LIMIT_SECONDS = 1800
TEST_LIMIT_SECONDS = 600


class Failure(Exception):
    """Something is wrong with the tables, the build or the unchanged tests."""


class Mutant:
    """One entry of a table."""

    FIELDS = {"name", "file", "original", "replacement", "tests", "gains"}
    OPTIONAL = {"trap"}

    def __init__(self, row, entry, table):
        missing = self.FIELDS - entry.keys()
        unknown = entry.keys() - self.FIELDS - self.OPTIONAL
        if missing or unknown:
            raise Failure(f"{table.name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        self.row = row
        self.name = entry["name"]
        self.file = entry["file"]
        self.original = entry["original"].strip("\n")
        self.replacement = entry["replacement"].strip("\n")
        self.tests = entry["tests"]
        self.gains = entry["gains"]
        # Stopping the process counts as noticing, in place of all the tests, only where the table says so.
        self.trap = entry.get("trap", False)
        if not self.tests:
            raise Failure(f"{self.name}: names no test")
        if self.original == self.replacement:
            raise Failure(f"{self.name}: changes nothing")

    def source(self):
        """The file's text, after making sure that the original stands in it exactly once."""
        path = CHECKOUT / self.file
        if not path.is_file():
            raise Failure(f"{self.name}: no file {self.file}")
        text = path.read_text()
        found = text.count(self.original)
        if found != 1:
            raise Failure(f"{self.name}: its original stands {found} times in {self.file}, expected once:\n{self.original}")
        return text


def read_tables():
    """Every mutant by row, and every row with its attack and, where it has no mutant, the reason."""
    rows, mutants = {}, []
    for table in sorted(TABLES.glob("*.toml")):
        content = tomllib.loads(table.read_text())
        row = content["row"]
        if row in rows:
            raise Failure(f"{table.name}: row {row} has a table already")
        rows[row] = content
        entries = content.get("mutant", [])
        if bool(entries) == ("without" in content):
            raise Failure(f"{table.name}: expected either mutants or the reason why there are none")
        mutants += [Mutant(row, entry, table) for entry in entries]
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Failure(f"two mutants are called {name}")
    return rows, mutants


def synchronise():
    """Brings the copy up to date. Files that did not change keep their times, so little is built again."""
    wanted = {}
    for folder in FOLDERS:
        for path in (CHECKOUT / folder).rglob("*"):
            if path.is_file():
                wanted[path.relative_to(CHECKOUT)] = path.read_bytes()
    manifest = (CHECKOUT / "Package.swift").read_text()
    kept = ["COpenSSL", "TestSupport"] + TARGETS + [f"{name}Tests" for name in TESTED]
    manifest += (
        "\n// Added by Tests/Mutants/mutants.py: the targets that were copied.\n"
        "package.products = []\n"
        f"package.targets = package.targets.filter {{ {json.dumps(kept)}.contains($0.name) }}\n"
    )
    wanted[pathlib.Path("Package.swift")] = manifest.encode()
    for folder in ("Sources", "Tests"):
        for path in (WORK / folder).rglob("*"):
            if path.is_file() and path.relative_to(WORK) not in wanted:
                path.unlink()
    for path, content in wanted.items():
        write(WORK / path, content)


def write(path, content):
    """Writes a file unless it holds this already."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def swift(arguments, limit):
    """Runs the toolchain in the copy."""
    environment = dict(os.environ)
    shared = CHECKOUT.parent / "shared"
    if "CONCORD_SHARED" not in environment and shared.is_dir():
        environment["CONCORD_SHARED"] = str(shared)
    command = [os.environ.get("SWIFT", "swift"), *arguments, "--package-path", str(WORK)]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=limit,
    )


def build(jobs):
    return swift(
        ["build", "--build-tests", "-j", str(jobs), "-Xswiftc", "-gnone"], BUILD_LIMIT_SECONDS)


def expression(name):
    """The filter that means exactly the test `Target.Suite/function`."""
    return "^" + name.replace(".", r"\.") + r"\("


class Run:
    """What one run of tests reported."""

    def __init__(self, names):
        events = WORK / "events.jsonl"
        events.unlink(missing_ok=True)
        arguments = ["test", "--skip-build", "--disable-xctest", "-Xswiftc", "-gnone"]
        arguments += ["--event-stream-output-path", str(events), "--event-stream-version", "0"]
        for name in names:
            arguments += ["--filter", expression(name)]
        self.seconds = time.monotonic()
        try:
            result = swift(arguments, TEST_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.output, self.status = "the tests did not end", None
        else:
            self.output, self.status = result.stdout, result.returncode
        self.seconds = time.monotonic() - self.seconds
        self.started, self.refused, self.errors = set(), set(), set()
        for line in events.read_text().splitlines() if events.is_file() else []:
            record = json.loads(line)
            if record.get("kind") != "event":
                continue
            event = record["payload"]
            name = event.get("testID", "").split("(")[0]
            if event["kind"] == "testStarted":
                self.started.add(name)
            elif event["kind"] == "issueRecorded" and not event["issue"].get("isKnown", False):
                # An error thrown through a test is no expectation that failed: the test may only have lost its way.
                text = " ".join(message["text"] for message in event.get("messages", []))
                (self.errors if "Caught error" in text else self.refused).add(name)
        # A signal, or the runner's account of one, and a run that did not report its end.
        self.trapped = self.status not in (0, 1, None) or "unexpected signal code" in self.output


def run_mutant(mutant, jobs):
    """Returns (verdict, failing tests, explanation)."""
    text = mutant.source()
    target = WORK / mutant.file
    try:
        write(target, text.replace(mutant.original, mutant.replacement).encode())
        built = build(jobs)
        if built.returncode != 0:
            return "does not build", [], built.stdout[-3000:]
        run = Run(mutant.tests)
    finally:
        write(target, text.encode())
    failing = [name for name in mutant.tests if name in run.refused]
    if len(failing) == len(mutant.tests):
        return "killed", failing, ""
    if mutant.trap and run.trapped:
        return "killed", ["(the process stopped)"], ""
    lines = [f"{name} does not notice" for name in mutant.tests if name not in failing]
    if run.errors - run.refused:
        lines.append(f"only an error was thrown through {', '.join(sorted(run.errors - run.refused))}")
    return "SURVIVED", failing, "\n".join([*lines, run.output[-3000:]])


def baseline(mutants, everything, jobs):
    """The unchanged copy must build and pass, and every named test must have run."""
    started = time.monotonic()
    built = build(jobs)
    if built.returncode != 0:
        raise Failure("the unchanged sources do not build:\n" + built.stdout[-6000:])
    print(f"built in {time.monotonic() - started:.0f} s", flush=True)
    named = sorted({name for mutant in mutants for name in mutant.tests})
    run = Run([] if everything else named)
    if run.status != 0:
        raise Failure("the unchanged tests do not pass:\n" + run.output[-6000:])
    absent = [name for name in named if name not in run.started]
    if absent:
        raise Failure("named tests that did not run: " + ", ".join(absent))
    count = len([name for name in run.started if "/" in name])
    print(f"unchanged: {count} tests pass in {run.seconds:.0f} s", flush=True)


def print_table(headings, lines):
    widths = [max(len(str(line[column])) for line in [headings, *lines]) for column in range(len(headings))]
    for line in [headings, ["-" * width for width in widths], *lines]:
        print(" | ".join(str(cell).ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--row", type=int, action="append", help="only this row of the attack table; may be repeated")
    parser.add_argument("--name", action="append", help="only the mutant of this name; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the table and check it against the sources, build nothing")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="compilers at a time")
    arguments = parser.parse_args()
    rows, mutants = read_tables()
    if arguments.row:
        mutants = [mutant for mutant in mutants if mutant.row in arguments.row]
    if arguments.name:
        mutants = [mutant for mutant in mutants if mutant.name in arguments.name]
    for mutant in mutants:
        mutant.source()
    if arguments.list:
        print_table(
            ["row", "mutant", "file", "tests"],
            [[mutant.row, mutant.name, mutant.file, ", ".join(mutant.tests)] for mutant in mutants])
        for number, row in rows.items():
            if "without" in row and not arguments.row:
                print(f"row {number} has no mutant: {row['without']}")
        return 0
    if not mutants:
        raise Failure("no mutant is selected")
    synchronise()
    baseline(mutants, everything=not (arguments.row or arguments.name), jobs=arguments.jobs)
    lines, results, survivors = [], [], 0
    for mutant in mutants:
        started = time.monotonic()
        verdict, failing, explanation = run_mutant(mutant, arguments.jobs)
        seconds = time.monotonic() - started
        print(f"{verdict:>8}  {mutant.name} ({seconds:.0f} s)", flush=True)
        if verdict != "killed":
            survivors += 1
            print(explanation, flush=True)
        shown = failing[0].split(".")[-1] + (f" and {len(failing) - 1} more" if len(failing) > 1 else "") if failing else ""
        lines.append([mutant.row, mutant.name, shown if verdict == "killed" else verdict, mutant.gains])
        results.append({
            "row": mutant.row, "mutant": mutant.name, "file": mutant.file, "verdict": verdict, "failing": failing,
            "gains": mutant.gains, "seconds": round(seconds, 1),
        })
    print()
    print_table(["row", "mutant", "failing tests", "attacker gains"], lines)
    for number, row in rows.items():
        if "without" in row and not (arguments.row or arguments.name):
            print(f"row {number} has no mutant: {row['without']}")
    print(f"\n{len(mutants) - survivors} of {len(mutants)} mutants are noticed")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"mutants: {failure}", file=sys.stderr)
        sys.exit(2)
