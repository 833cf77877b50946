"""The table of bench/versus as a picture: how long weir takes for each network, by the best rival, on a log scale.

A dot is a median ratio, the line through it its 95 % interval; hollow dots are rows that had no stable ratio (their medians).
Dark and light follow the reader's page.
"""
import html
import math

LINE, LEFT, RIGHT, TOP, WIDTH = 18, 190, 30, 56, 760
LOW, HIGH = 0.25, 4.0
MARKS = (0.25, 0.5, 0.8, 1, 1.25, 2, 4)
STYLE = """text{font:12px system-ui,sans-serif;fill:#24292f}.g{font-weight:600}.q{fill:#57606a}
.a{stroke:#d0d7de}.one{stroke:#57606a;stroke-dasharray:4 3}.t1{fill:#0550ae;stroke:#0550ae}.t2{fill:#bc4c00;stroke:#bc4c00}.h{fill:none}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.q{fill:#8d96a0}.a{stroke:#30363d}.one{stroke:#8d96a0}
.t1{fill:#79c0ff;stroke:#79c0ff}.t2{fill:#ffa657;stroke:#ffa657}.h{fill:none}}"""


def place(ratio):
    inside = min(max(ratio, LOW), HIGH)
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log(inside / LOW) / math.log(HIGH / LOW)


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def medians(row):
    return row["engines"]["weir"]["median_ms"] / row["engines"][row["best_rival"]]["median_ms"]


def dot(row, y):
    kind = "t1" if row["threads"] == 1 else "t2"
    stable = row["ratio"] is not None
    ratio = row["ratio"] if stable else medians(row)
    low, high = row["ratio_ci95"] if stable else (ratio, ratio)
    says = f'{row["model"]}, {row["threads"]} threads: {ratio:.2f} of {row["best_rival"]}' + ("" if stable else " (not stable)")
    return (f'<g class="{kind}"><title>{html.escape(says)}</title><path d="M{place(low):.1f} {y}H{place(high):.1f}" stroke-width="2"/>'
            f'<circle cx="{place(ratio):.1f}" cy="{y}" r="4" class="{"" if stable else "h"}"/></g>')


def lines(rows):
    """(heading or None, network or None, its rows) from top to bottom."""
    for group in dict.fromkeys(r["group"] for r in rows):
        yield group, None, []
        for model in dict.fromkeys(r["model"] for r in rows if r["group"] == group):
            yield None, model, [r for r in rows if r["model"] == model and "failed" not in r]


def svg(head, rows):
    listed = list(lines(rows))
    bottom = TOP + LINE * len(listed) + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 24}" width="{WIDTH}" role="img" '
           f'aria-label="Time of weir by the best rival, for each network"><style>{STYLE}</style>',
           text(8, 20, "Time of weir by the best rival's: left of 1 weir is faster", "g"),
           text(8, 38, f'{head["cpu"]}, {head["isa"]}; ' + ", ".join(f"{k} {v.split('-')[0]}" for k, v in head["rivals"].items()), "q")]
    for k, threads in enumerate(sorted({r["threads"] for r in rows})):
        name, kind = ("1 thread", "t1") if threads == 1 else (f"{threads} threads", "t2")
        out += [f'<circle cx="{WIDTH - 170 + 85 * k}" cy="34" r="4" class="{kind}"/>', text(WIDTH - 160 + 85 * k, 38, name)]
    for mark in MARKS:
        out += [f'<path d="M{place(mark):.1f} {TOP - 6}V{bottom}" class="{"one" if mark == 1 else "a"}"/>',
                text(place(mark), bottom + 16, f"{mark:g}", "q", "middle")]
    for i, (group, model, own) in enumerate(listed):
        y = TOP + LINE * i + 9
        if group:
            out.append(text(8, y + 4, group, "g"))
            continue
        out.append(text(LEFT - 12, y + 4, model, anchor="end"))
        out += [dot(r, y - 3 + 6 * (r["threads"] != 1)) for r in own]
    return "\n".join([*out, "</svg>"]) + "\n"
