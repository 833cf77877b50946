"""Stack use from the machine code: no function of the libraries and the program may have a frame above the limit or one whose
size is known only at run time.

usage: frames.py LIMIT FILE...
"""
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
FIXED = re.compile(r"\ssub\s+\$0x([0-9a-f]+),%rsp$|\slea\s+-0x([0-9a-f]+)\(%rsp\),%rsp$|\sadd\s+\$0x(ffffff[0-9a-f]+),%rsp$")
FREE = re.compile(r"\ssub\s+%r[a-z0-9]+,%rsp$")


def frames(path):
    """Largest fixed frame per function, and the functions with a frame of unknown size."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    sizes, free, name = {}, set(), "?"
    for line in text.splitlines():
        start = FUNCTION.match(line)
        if start:
            name = start.group(1)
            continue
        m = FIXED.search(line)
        if m:
            n = int(m.group(1) or m.group(2), 16) if not m.group(3) else (1 << 64) - int(m.group(3), 16)
            sizes[name] = sizes.get(name, 0) + (n if n < 1 << 63 else 0)  # sub of a negative number gives stack back
        elif FREE.search(line):
            free.add(name)
    return sizes, free


def main():
    limit, bad, count, most = int(sys.argv[1]), 0, 0, (0, "")
    for path in sys.argv[2:]:
        sizes, free = frames(path)
        count += len(sizes)
        for name, n in sorted(sizes.items(), key=lambda kv: -kv[1]):
            most = max(most, (n, name))
            if n > limit:
                print("FAIL %s: %s takes %d bytes of stack, the limit is %d" % (path, name, n, limit))
                bad += 1
        for name in sorted(free):
            print("FAIL %s: %s takes stack of a size known only at run time" % (path, name))
            bad += 1
    print("%d frames, the largest has %d bytes (%s), %d failures" % (count, most[0], most[1], bad))
    return 1 if bad or not count else 0


sys.exit(main())
