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


def read_images(dataset):
    """All training pictures of a prepared dataset, centre crop less the mean, and their labels."""
    manifest = json.loads((dataset / "dataset.json").read_text())
    images, labels = [], []
    for shard in manifest["train"]["shards"]:
        records = {}
        with tarfile.open(dataset / shard["file"]) as tar:
            for member in tar:
                key, suffix = member.name.rsplit(".", 1)
                records.setdefault(key, {})[suffix] = tar.extractfile(member).read()
        for record in records.values():
            picture = Image.open(io.BytesIO(record.get("png") or record.get("jpg")))
            images.append(np.asarray(picture, dtype=np.float32))
            labels.append(int(record["cls"]))
    with safe_open(dataset / "statistics.safetensors", "numpy") as file:
        mean = file.get_tensor("mean")
    pixels = np.stack(images) - mean
    crop = pixels[:, 16:240, 16:240, :]
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(0, 3, 1, 2))), torch.tensor(labels)


def load(run, step):
    with safe_open(run / f"checkpoints/step-{step:08d}.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        return tensors, file.metadata()


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


def main():
    dataset, run, recipe = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    images, labels = read_images(dataset)
    start, metadata = load(run, 0)
    settings = json.loads(metadata["settings"])["recipe"]
    rate, momentum = settings["learningRate"], settings["momentum"]
    assert settings["weightDecay"] == 0, "the run must have --weight-decay 0"
    factor = settings["biasLearningRateFactor"]
    losses = [json.loads(line)["loss"] for line in open(run / "metrics.jsonl") if '"step"' in line and
              json.loads(line)["kind"] == "step"]

    # In double precision: what differs is this program's single precision alone.
    model = AlexNet(len(json.loads(metadata["classes"])), recipe, dropout=False).double()
    names = [name for name, _ in model.named_parameters()]
    model.load_state_dict({name: start[name].double() for name in names})
    images = images.double()
    velocity = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    failures = 0

    def report(what, error, bound):
        nonlocal failures
        failures += error > bound
        print(f"{'ok  ' if error <= bound else 'FAIL'} {what}: {error:.2e} (bound {bound:.0e})")

    for step in range(1, 6):
        model.zero_grad()
        total = 0.0
        for x, y in zip(images.split(16), labels.split(16)):
            loss = F.cross_entropy(model(x), y, reduction="sum") / len(labels)
            loss.backward()
            total += float(loss)
        if step == 1:
            report("loss of step 1, relative", abs(losses[0] - total) / total, 1e-5)
            after, _ = load(run, 1)
            for name, p in model.named_parameters():
                scale = rate * (factor if name.endswith("bias") else 1)
                report(f"gradient of {name}", relative(after["velocity." + name] / -scale, p.grad), 1e-4)
        with torch.no_grad():
            for name, p in model.named_parameters():
                scale = rate * (factor if name.endswith("bias") else 1)
                velocity[name] = momentum * velocity[name] - scale * p.grad
                p += velocity[name]
        print(f"     step {step}: loss {losses[step - 1]:.7f} here, {total:.7f} in PyTorch")
    after, _ = load(run, 5)
    for name, p in model.named_parameters():
        report(f"weights of {name} after five steps", relative(after[name], p.detach()), 1e-5)
    print(f"{failures} of the comparisons failed" if failures else "all comparisons passed")
    sys.exit(1 if failures else 0)


main()
