"""docs/performance.md: every network of bench/versus stands in a table, the command too, and where kernels-1 found a rival
faster, the table of reasons has a line '| network | threads | by how much | why |'."""
import json

import verdicts

MEASURED = verdicts.ROOT / "build" / "must-kernels-1" / "versus.json"


def lines_of(text):
    return [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def main():
    v = verdicts.Verdict("kernels-7")
    text = (verdicts.ROOT / "docs" / "performance.md").read_text()
    v.line("bench/versus" in text, "the command stands there")
    table = lines_of(text)
    if not MEASURED.exists():
        v.line(False, f"{MEASURED} is missing: run tests/must/kernels-1 first")
        v.finish()
    rows = json.loads(MEASURED.read_text())["rows"]
    reasons = {(cells[0], cells[1]) for cells in table if len(cells) == 4 and cells[3]}
    for row in rows:
        name = row["model"]
        v.line(any(cells[0] == name for cells in table), f"{name}, threads {row['threads']}: has a line")
        if (row.get("ratio") or 0) > 1:
            v.line((name, str(row["threads"])) in reasons, f"{name}, threads {row['threads']}: {row['best_rival']} is faster by {100 * (row['ratio'] - 1):.0f} %: has a reason")
    v.finish()


main()
