"""Sums meson's test results of build folders: lists failures and skips, ends with 'N passed, N failed, N skipped'.

A test says why it skips on the last line that it prints before it exits with 77."""
import json
import pathlib
import sys

GOOD = {"OK", "EXPECTEDFAIL"}


def reason(result):
    text = (result.get("stdout") or "") + "\n" + (result.get("stderr") or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main(folders):
    passed, failed, skipped = 0, [], []
    for folder in folders:
        log = pathlib.Path(folder) / "meson-logs" / "testlog.json"
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            result = json.loads(line)
            name = f"{folder}: {result['name']}"
            if result["result"] in GOOD:
                passed += 1
            elif result["result"] == "SKIP":
                skipped.append(f"{name}: {reason(result)}")
            else:
                failed.append(f"{name}: {result['result']}")
    for line in skipped:
        print("skipped", line)
    for line in failed:
        print("failed", line)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1:]))
