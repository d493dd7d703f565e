"""Trains PyTorch's AlexNet on a dataset of 'alexnet prepare', with alexnet-train's recipe but for the rate; times it.

usage: train_torch.py DATASET EPOCHS SEED [LEVEL]

It has all that a tuned user has: bf16 autocast, channels last, torch.compile, SGD fused; preload tcmalloc. The rate
grows to 0.02 in 200 steps and falls along a cosine, as 'alexnet reproduce fashion-mnist' has it. Prints a JSON object an epoch: the accuracy
on the validation pictures' middle crops, and the hours of training and validation until then. Ends early once the
accuracy is LEVEL %. Decoding is a present to PyTorch: the pictures are held in memory, and neither
this nor compiling counts. It differs in two ways: PyTorch's velocity is without the rate, so a fall of the rate acts at
once on all of it; and the last pictures of an epoch that fill no batch are left out, where alexnet-train's batches run on.
"""

import json
import math
import os
import pathlib
import queue
import sys
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

from alexnet_torch import AlexNet
from prepared_pictures import pictures

BATCH, SIDE = 128, 224


def read(dataset, split):
    """A split's pictures as bytes, and its labels; grey pictures are kept in one channel, which holds 60,000 in 4 GB."""
    kept, labels = [], []
    for pixels, label in pictures(dataset, split):
        is_grey = (pixels == pixels[:, :, :1]).all()
        kept.append(np.ascontiguousarray(pixels[:, :, :1] if is_grey else pixels))
        labels.append(label)
    return kept, np.array(labels)


class Pictures:
    def __init__(self, dataset, split):
        self.pictures, self.labels = read(dataset, split)
        with safe_open(dataset / "statistics.safetensors", "numpy") as file:
            self.mean = file.get_tensor("mean")
            values, vectors = file.get_tensor("eigenvalues"), file.get_tensor("eigenvectors")
        # A row is p_i lambda_i; lambda is of pixels in [0, 1], and the sum is brought back to 0..255.
        self.noise = values[:, None] * vectors * 255

    def batch(self, indices, dice=None):
        images = np.empty((len(indices), SIDE, SIDE, 3), np.float32)
        middle = (self.mean.shape[0] - SIDE) // 2
        for place, index in enumerate(indices):
            x, y = dice.integers(0, 2 * middle + 1, 2) if dice else (middle, middle)
            noise = dice.normal(0, 0.1, 3) @ self.noise if dice else np.zeros(3)
            # From left to right, or mirrored.
            columns = np.s_[x : x + SIDE : 1]
            if dice and dice.random() < 0.5:
                columns = np.s_[x + SIDE - 1 : x - 1 if x else None : -1]
            picture = self.pictures[index][y : y + SIDE, columns]
            mean = self.mean[y : y + SIDE, columns]
            # A colour at a time: loops over the three colours of a pixel are slow in NumPy.
            for colour in range(3):
                own = picture[..., colour % picture.shape[2]].astype(np.float32)
                own += np.float32(noise[colour])
                np.subtract(own, mean[..., colour], out=images[place, ..., colour])
        # The memory is in PyTorch's order "channels last" as it lies.
        return torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(self.labels[indices])


def ahead(batches):
    """The same batches, made by a thread while others are trained on."""
    made = queue.Queue(3)

    def make():
        try:
            for batch in batches:
                made.put(batch)
            made.put(None)
        except BaseException as problem:  # for the thread that waits
            made.put(problem)

    threading.Thread(target=make, daemon=True).start()
    for batch in iter(made.get, None):
        if isinstance(batch, BaseException):
            raise batch
        yield batch


def main():
    dataset, epochs, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    level = float(sys.argv[4]) if len(sys.argv) > 4 else 100
    torch.manual_seed(seed)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    dice = np.random.default_rng(seed)
    train, validation = Pictures(dataset, "train"), Pictures(dataset, "validation")
    print(len(train.labels), "training and", len(validation.labels), "validation pictures", file=sys.stderr)
    model = AlexNet(int(train.labels.max()) + 1)
    for name, parameter in model.named_parameters():
        ones = ("features.3", "features.8", "features.10", "classifier.1", "classifier.4")
        if name.endswith("weight"):
            torch.nn.init.normal_(parameter, 0, 0.01)
        else:
            torch.nn.init.constant_(parameter, float(name.startswith(ones)))
    model = model.to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=0.0005, fused=True)
    run = torch.compile(model, dynamic=False)
    narrow = torch.autocast("cpu", torch.bfloat16)

    def forward(images):
        with narrow:
            return run(images).float()

    def step(images, labels):
        sgd.zero_grad()
        loss = F.cross_entropy(forward(images), labels)
        loss.backward()
        sgd.step()
        return loss.item()

    def accuracy():
        model.eval()
        right = 0
        parts = np.split(np.arange(len(validation.labels)), range(BATCH, len(validation.labels), BATCH))
        with torch.inference_mode():
            for images, labels in ahead(validation.batch(part) for part in parts):
                right += (forward(images).argmax(1) == labels).sum().item()
        model.train()
        return 100 * right / len(validation.labels)

    steps = len(train.labels) // BATCH

    # Compiled for training and for validation, at a rate of 0, before the clock starts.
    for group in sgd.param_groups:
        group["lr"] = 0.0
    step(*train.batch(np.arange(BATCH), np.random.default_rng(0)))
    sgd.state.clear()
    accuracy()
    # The fused update walks through memory as it lies.
    if any(p.stride() != p.grad.stride() for p in model.parameters()):
        sys.exit("Gradients lie in another order than the weights.")
    start = time.monotonic()
    train.batch(np.arange(BATCH), np.random.default_rng(0))
    print(f"a batch is made in {time.monotonic() - start:.3f} s", file=sys.stderr)

    count, begin = 0, time.monotonic()
    for epoch in range(epochs):
        order = dice.permutation(len(train.labels))[: steps * BATCH].reshape(steps, BATCH)
        losses = []
        for images, labels in ahead(train.batch(indices, dice) for indices in order):
            for group in sgd.param_groups:
                group["lr"] = min(1, (count + 1) / 200) * 0.02 * (1 + math.cos(math.pi * count / (epochs * steps))) / 2
            losses.append(step(images, labels))
            count += 1
            if not math.isfinite(losses[-1]):
                sys.exit(f"The loss is {losses[-1]} in step {count}.")
            if count % 50 == 0:
                print(f"step {count}/{epochs * steps}  loss {np.mean(losses[-50:]):.4f}", file=sys.stderr, flush=True)
        reached = accuracy()
        hours = (time.monotonic() - begin) / 3600
        print(json.dumps({"epoch": epoch + 1, "hours": hours, "accuracy": reached, "loss": float(np.mean(losses))}), flush=True)
        if reached >= level:
            break


main()
