"""Compares alexnet-train with PyTorch: one loss, every gradient, and the weights after five steps.

usage: check_training.py DATASET RUN_DIRECTORY RECIPE

RUN_DIRECTORY/checkpoints holds step-00000000, -1 and -5 of a run without dropout, augmentation and weight decay
whose batch is the whole training set, so that the order of the images does not matter.
"""

import io
import json
import pathlib
import sys
import tarfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open

from alexnet_torch import AlexNet


def read_pixels(dataset):
    """All training pictures of a prepared dataset, images x side x side x RGB bytes, and their labels."""
    manifest = json.loads((dataset / "dataset.json").read_text())
    images, labels = [], []
    for shard in manifest["train"]["shards"]:
        records = {}
        with tarfile.open(dataset / shard["file"]) as tar:
            for member in tar:
                key, suffix = member.name.rsplit(".", 1)
                records.setdefault(key, {})[suffix] = tar.extractfile(member).read()
        for record in records.values():
            picture = Image.open(io.BytesIO(record.get("png") or record.get("jpg"))).convert("RGB")
            images.append(np.asarray(picture))
            labels.append(int(record["cls"]))
    return np.stack(images), labels


def read_images(dataset):
    """The middle crops of all training pictures less the mean, and their labels."""
    pixels, labels = read_pixels(dataset)
    with safe_open(dataset / "statistics.safetensors", "numpy") as file:
        mean = file.get_tensor("mean")
    pixels = pixels.astype(np.float32) - mean
    crop = pixels[:, 16:240, 16:240, :]
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(0, 3, 1, 2))), torch.tensor(labels)


def load(run, step):
    with safe_open(run / f"checkpoints/step-{step:08d}.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        return tensors, file.metadata()


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


class Reference:
    """PyTorch's network with the paper's update rule, trained on the whole set in every step."""

    def __init__(self, start, classes, recipe, settings, images, labels, dtype):
        self.model = AlexNet(classes, recipe, dropout=False).to(dtype)
        self.parameters = dict(self.model.named_parameters())
        self.model.load_state_dict({name: start[name].to(dtype) for name in self.parameters})
        self.velocity = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.images, self.labels = images.to(dtype), labels
        self.settings = settings

    def rate(self, name):
        factor = self.settings["biasLearningRateFactor"] if name.endswith("bias") else 1
        return self.settings["learningRate"] * factor

    def step(self):
        """One step; returns the loss and leaves the gradients in place."""
        self.model.zero_grad()
        total = 0.0
        for x, y in zip(self.images.split(16), self.labels.split(16)):
            loss = F.cross_entropy(self.model(x), y, reduction="sum") / len(self.labels)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for name, p in self.parameters.items():
                v = self.settings["momentum"] * self.velocity[name] - self.rate(name) * p.grad
                self.velocity[name] = v
                p += v
        return total


def main():
    dataset, run, recipe = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    images, labels = read_images(dataset)
    start, metadata = load(run, 0)
    settings = json.loads(metadata["settings"])["recipe"]
    assert settings["weightDecay"] == 0, "the run must have --weight-decay 0"
    records = [json.loads(line) for line in open(run / "metrics.jsonl")]
    losses = [record["loss"] for record in records if record["kind"] == "step"]
    classes = len(json.loads(metadata["classes"]))
    double = Reference(start, classes, recipe, settings, images, labels, torch.float64)
    single = Reference(start, classes, recipe, settings, images, labels, torch.float32)
    failures = 0

    def report(rows, bound):
        """Every row must be within the bound, or as close to double precision as PyTorch's single is.

        Where a pool's two largest values, or a rectifier's input and zero, are closer than single precision
        tells apart, the gradient takes another way: one such place in a million makes 1e-3, in whichever
        tensors it passes through. So the control is the worst of PyTorch's own rows.
        """
        nonlocal failures
        control = max(single for _, _, single in rows)
        for what, ours, single in rows:
            good = ours <= max(bound, control)
            failures += not good
            print(
                f"{'ok  ' if good else 'FAIL'} {what:38} {ours:8.1e}   PyTorch single {single:8.1e}   "
                f"bound {bound:.0e}{'' if ours <= bound else ' (PyTorch: %.1e)' % control}"
            )

    for step in range(1, 6):
        total, control = double.step(), single.step()
        print(f"     step {step}: loss {losses[step - 1]:.7f} here, {total:.7f} in PyTorch (double)")
        if step == 1:
            report([("loss of step 1", abs(losses[0] - total) / total, abs(control - total) / total)], 1e-5)
            after, _ = load(run, 1)
            report(
                [
                    (
                        f"gradient of {name}",
                        relative(after["velocity." + name] / -double.rate(name), p.grad),
                        relative(single.parameters[name].grad, p.grad),
                    )
                    for name, p in double.parameters.items()
                ],
                1e-4,
            )
    after, _ = load(run, 5)
    report(
        [
            (
                f"after five steps, {name}",
                relative(after[name], p.detach()),
                relative(single.parameters[name].detach(), p.detach()),
            )
            for name, p in double.parameters.items()
        ],
        1e-5,
    )
    print(f"{failures} of the comparisons failed" if failures else "all comparisons passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
