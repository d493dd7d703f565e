"""Compares alexnet-train with PyTorch: one loss, every gradient, and the weights after five steps.

usage: check_training.py DATASET RUN_DIRECTORY RECIPE OUTPUTS

RUN_DIRECTORY/checkpoints holds step-00000000, -1 and -5 of a run without dropout, augmentation and weight decay
whose batch is the whole training set, so that the order of the images does not matter. OUTPUTS holds what
`alexnet features` writes of the first of them, a file a layer in front of a kink: rectifiers and pools.
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


class FollowingAlexNet(AlexNet):
    """The same network with its rectifiers and pools going the way that the program's went.

    A gradient is a product of derivatives along the way that the numbers took. Where two maxima of a window, or zero
    and a rectifier's input, are closer than single precision tells apart, double precision takes another way, and the
    gradients differ by what lies on it, however exact each product is. On the same way they must agree.
    """

    def follow(self, outputs, count):
        read = lambda name: torch.from_numpy(np.load(outputs / f"{name}.npy", mmap_mode="r")[:count].copy())
        before = ["norm1", "cnorm2" if self.code else "norm2", "relu5"]
        self.signs = {n: read(f"relu{n}") > 0 for n in range(1, 8)}
        self.winners = {
            n: F.max_pool2d(read(name), 3, 2, return_indices=True)[1] for n, name in zip((1, 2, 5), before)
        }

    def features_of(self, x, images):
        f, c = self.features, self.classifier
        relu = lambda n, x: x * self.signs[n][images].to(x.dtype)

        def pool(n, x):
            places = self.winners[n][images]
            return x.flatten(2).gather(2, places.flatten(2)).view(places.shape)

        x = f["0"](F.pad(x, (0, 3, 0, 3)))
        x = relu(1, pool(1, self.norm(x))) if self.code else pool(1, self.norm(relu(1, x)))
        x = pool(2, self.spatial(self.norm(relu(2, f["3"](x)))))
        x = relu(3, f["6"](x))
        x = relu(4, f["8"](x))
        x = pool(5, relu(5, f["10"](x)))
        x = relu(6, c["1"](x.flatten(1)))
        return c["6"](relu(7, c["4"](x)))

    def gradients(self, images, labels):
        """The gradients of the batch's mean loss by name."""
        self.zero_grad()
        for places in torch.arange(len(labels)).split(16):
            loss = F.cross_entropy(self.features_of(images[places], places), labels[places], reduction="sum")
            (loss / len(labels)).backward()
        return {name: p.grad for name, p in self.named_parameters()}


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
    following = FollowingAlexNet(classes, recipe, dropout=False).double()
    following.load_state_dict({name: start[name].double() for name in double.parameters})
    following.follow(pathlib.Path(sys.argv[4]), len(labels))
    failures = 0

    def report(rows, bound):
        """Every row must be within the bound, or about as close to double precision as PyTorch's single is.

        Where a pool's two largest values, or a rectifier's input and zero, are closer than single precision
        tells apart, the gradient takes another way: one such place in a million makes 1e-3, in whichever
        tensors it passes through. So the control is the worst of PyTorch's own rows.
        """
        nonlocal failures
        control = max(single for _, _, single in rows)
        for what, ours, single in rows:
            # Which of two nearly equal numbers is larger is a toss-up for either of us.
            good = ours <= max(bound, 2 * control)
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
            for name, gradient in following.gradients(images.double(), labels).items():
                ours = relative(after["velocity." + name] / -double.rate(name), gradient)
                failures += ours > 1e-4
                print(f"{'ok  ' if ours <= 1e-4 else 'FAIL'} {'gradient on the same way, ' + name:46} {ours:8.1e}   bound 1e-04")
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
