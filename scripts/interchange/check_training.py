"""Compares alexnet-train with PyTorch: one loss, every gradient, and the weights after five steps.

usage: check_training.py DATASET RUN_DIRECTORY RECIPE OUTPUTS

RUN_DIRECTORY/checkpoints holds step-00000000 to -5 of a run without dropout, augmentation and weight decay whose
batch is the whole training set, so that the order of the images does not matter. OUTPUTS/0 to 4 hold what
`alexnet features` writes of the first five of them, a file a layer in front of a kink: rectifiers and pools.

PyTorch computes in double precision, and twice: by itself, and on the way that the program's numbers took through
rectifiers and pools. By itself the first loss must agree; on the same way every gradient of the first step, the later
losses, and the weights after the five steps.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

from alexnet_torch import AlexNet
from prepared_pictures import pictures


def read_pixels(dataset):
    """All training pictures of a prepared dataset, images x side x side x RGB bytes, and their labels."""
    images, labels = zip(*pictures(dataset, "train"))
    return np.stack(images), list(labels)


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

    def forward(self, x):
        f, c = self.features, self.classifier
        relu = lambda n, x: x * self.signs[n][self.images].to(x.dtype)

        def pool(n, x):
            places = self.winners[n][self.images]
            return x.flatten(2).gather(2, places.flatten(2)).view(places.shape)

        x = f["0"](F.pad(x, (0, 3, 0, 3)))
        x = relu(1, pool(1, self.norm(x))) if self.code else pool(1, self.norm(relu(1, x)))
        x = pool(2, self.spatial(self.norm(relu(2, f["3"](x)))))
        x = relu(3, f["6"](x))
        x = relu(4, f["8"](x))
        x = pool(5, relu(5, f["10"](x)))
        x = relu(6, c["1"](x.flatten(1)))
        return c["6"](relu(7, c["4"](x)))


class Reference:
    """A network in PyTorch with the paper's update rule, trained on the whole set in every step."""

    def __init__(self, model, start, settings, images, labels, dtype):
        self.model = model.to(dtype)
        self.parameters = dict(self.model.named_parameters())
        self.model.load_state_dict({name: start[name].to(dtype) for name in self.parameters})
        self.velocity = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.settings = settings
        self.images, self.labels = images.to(dtype), labels

    def rate(self, name):
        factor = self.settings["biasLearningRateFactor"] if name.endswith("bias") else 1
        return self.settings["learningRate"] * factor

    def step(self):
        """One step; returns the loss and leaves the gradients in place."""
        self.model.zero_grad()
        total = 0.0
        for places in torch.arange(len(self.labels)).split(16):
            self.model.images = places
            logits = self.model(self.images[places])
            loss = F.cross_entropy(logits, self.labels[places], reduction="sum") / len(self.labels)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for name, p in self.parameters.items():
                v = self.settings["momentum"] * self.velocity[name] - self.rate(name) * p.grad
                self.velocity[name] = v
                p += v
        return total


def main():
    dataset, run, recipe, outputs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    images, labels = read_images(dataset)
    start, metadata = load(run, 0)
    settings = json.loads(metadata["settings"])["recipe"]
    assert settings["weightDecay"] == 0, "the run must have --weight-decay 0"
    records = [json.loads(line) for line in open(run / "metrics.jsonl")]
    losses = [record["loss"] for record in records if record["kind"] == "step"]
    classes = len(json.loads(metadata["classes"]))
    alone = Reference(AlexNet(classes, recipe, dropout=False), start, settings, images, labels, torch.float64)
    beside = Reference(
        FollowingAlexNet(classes, recipe, dropout=False), start, settings, images, labels, torch.float64)
    failures = 0

    def report(what, apart, bound):
        nonlocal failures
        failures += not apart <= bound
        print(f"{'ok  ' if apart <= bound else 'FAIL'} {what:46} {apart:8.1e}   bound {bound:.0e}", flush=True)

    for step in range(1, 6):
        beside.model.follow(pathlib.Path(outputs, str(step - 1)), len(labels))
        own, followed = alone.step(), beside.step()
        # Where the ways part, a loss that rises steeply, as code2012's does at first, carries them far apart.
        loss = own if step == 1 else followed
        report(f"loss of step {step}: {losses[step - 1]:.7f}", abs(losses[step - 1] - loss) / loss, 1e-5)
        after, _ = load(run, step)
        if step > 1:
            continue
        for name, p in beside.parameters.items():
            # The velocity after one step is the gradient times the rate.
            report(f"gradient of {name}", relative(after["velocity." + name] / -beside.rate(name), p.grad), 1e-4)
    for name, p in beside.parameters.items():
        report(f"after five steps, {name}", relative(after[name], p.detach()), 1e-5)
    # How far the ways lead apart, for the record: where a pool's two largest numbers, or a rectifier's input and
    # zero, are closer than single precision tells apart.
    worst = max(relative(after[name], p.detach()) for name, p in alone.parameters.items() if "weight" in name)
    print(f"     after five steps, weights of double precision on its own way: {worst:.1e} apart at most")
    print(f"{failures} of the comparisons failed" if failures else "all comparisons passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
