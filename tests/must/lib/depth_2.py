"""Predicted against verified drop: ten budgets on each of three networks, the search alone (a dry run), then all 10,000 test
images. Networks may be named as arguments."""
import pathlib
import sys
import tempfile

import depthlib
import verdicts

BUDGETS = (0.4, 0.7, 1.0, 1.3, 1.6, 2.0, 2.4, 2.8, 3.3, 3.8)  # verified drops are about half of them
WITHIN, SHARE, ABOVE_ONE, SPREAD = 0.3, 0.9, 8, 2.0


def search(model, train, folder, budget):
    """By the file: the objective with the most ways to spend a budget, and the fewest trials."""
    return verdicts.weir("optimize", model, "--dry-run", "-o", folder / f"{model.stem}.weir", "--resume", "--objective", "size",
                         "--train", train, "--no-finetune", "--data", "fashion-mnist", "--max-drop", budget)


def one(v, model, train, folder, full):
    for budget in BUDGETS:
        result = search(model, train, folder, budget)
        got, flips = full.drop(model, result["recipe"])
        off = result["predicted_drop_points"] - got
        v.note(f"{model.stem}, budget {budget}: predicted {result['predicted_drop_points']:.2f}, verified {got:.2f} points "
               f"(off by {off:+.2f}; {100 * flips:.1f} % of the images flip, sampling error {100 * (flips / 1e4) ** 0.5:.2f})")
        yield off, got


def main():
    v, pairs = verdicts.Verdict("depth-2"), []
    names = sys.argv[1:] or verdicts.NETS
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        train = depthlib.train_spec(folder)
        full = depthlib.Full(folder, train)
        for net in names:
            pairs += one(v, verdicts.MODELS / f"{net}.onnx", train, folder, full)
    near = sum(abs(off) <= WITHIN for off, _ in pairs)
    drops = [got for _, got in pairs]
    v.line(near >= SHARE * len(pairs), f"{near} of {len(pairs)} predictions within {WITHIN} points (at least {SHARE:.0%})")
    v.line(sum(d > 1 for d in drops) * 30 >= ABOVE_ONE * len(drops),
           f"{sum(d > 1 for d in drops)} verified drops above 1 point (at least {ABOVE_ONE} of 30)")
    v.line(max(drops) - min(drops) >= SPREAD, f"verified drops from {min(drops):.2f} to {max(drops):.2f} points")
    v.finish()


main()
