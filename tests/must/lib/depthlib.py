"""What the depth scripts share: Fashion-MNIST as specifications, and the classes that a network gives to its test images."""
import json

import numpy as np

import datasets
import verdicts
import weirlib

TRAIN_IMAGES = 8100   # all that calibration and search use; reading fewer saves time in each of many searches


def train_spec(folder):
    def one(kind):
        return str(next(p for p in sorted(datasets.FASHION.iterdir()) if p.name.startswith(f"train-{kind}")))
    return datasets.write_spec(folder / "train.json", format="idx", scale=1 / 255, limit=TRAIN_IMAGES,
                               path=[one("images"), one("labels")])


class Full:
    """The 10,000 test images: who is right about them, remembered by recipe."""

    def __init__(self, folder, train):
        self.images, self.labels = datasets.fashion()
        self.folder, self.train, self.known = folder, train, {}

    def right(self, path):
        return weirlib.logits(path, self.images).argmax(1) == self.labels

    def drop(self, model, recipe):
        """Points of top-1 that the recipe costs on all test images, and the share of images that flip."""
        key = (str(model), json.dumps([{k: v for k, v in r.items() if k != "cost"} for r in recipe], sort_keys=True))
        if str(model) not in self.known:
            self.known[str(model)] = self.right(model)
        if key not in self.known:
            rules, out = self.folder / "recipe.json", self.folder / "applied.weir"
            rules.write_text(json.dumps({"rules": recipe}))
            verdicts.weir("compress", model, "-o", out, "--recipe", rules, "--train", self.train, "--no-finetune")
            before, now = self.known[str(model)], self.right(out)
            self.known[key] = 100 * float(np.mean(before) - np.mean(now)), float(np.mean(before != now))
        return self.known[key]
