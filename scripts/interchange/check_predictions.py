"""Compares 'alexnet evaluate --predictions' with PyTorch: the probabilities of each image's five classes.

usage: check_predictions.py DATASET CHECKPOINT PREDICTIONS.csv CROPS [IMAGES]

CROPS is 1 or 10. The first IMAGES validation images (64 unless given) are computed in double precision.
"""

import csv
import io
import json
import pathlib
import sys
import tarfile

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open

from alexnet_torch import AlexNet


def pictures(dataset, count):
    """The first validation pictures of a prepared dataset with their names."""
    manifest = json.loads((dataset / "dataset.json").read_text())
    for shard in manifest["validation"]["shards"]:
        with tarfile.open(dataset / shard["file"]) as tar:
            for member in tar:
                name, suffix = member.name.rsplit(".", 1)
                if suffix == "cls":
                    continue
                if count == 0:
                    return
                count -= 1
                picture = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")
                yield name, np.asarray(picture, dtype=np.float64)


def crops(picture, mean, number, side, centred):
    """The crops less the mean at their place, or its centre, in the order of no importance: they are averaged."""
    far, middle = picture.shape[0] - side, (picture.shape[0] - side) // 2
    places = [(middle, middle)]
    if number == 10:
        places += [(0, 0), (0, far), (far, 0), (far, far)]
    for y, x in places:
        part = picture[y:y + side, x:x + side]
        own = mean[middle:middle + side, middle:middle + side] if centred else mean[y:y + side, x:x + side]
        yield part - own
        if number == 10:
            # Mirrored is the crop; its own part of the mean goes with it, the centre stays as it is.
            yield part[:, ::-1] - own if centred else (part - own)[:, ::-1]


def main():
    dataset, checkpoint, table, number = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    count = int(sys.argv[5]) if len(sys.argv) > 5 else 64
    with safe_open(checkpoint, "pt") as file:
        texts = file.metadata()
        tensors = {name: file.get_tensor(name).double() for name in file.keys() if not name.startswith("velocity.")}
    names, settings = json.loads(texts["classes"]), json.loads(texts["settings"])
    network = json.loads(texts["network"])
    mean = tensors.pop("preprocessing.mean").numpy()
    centred = settings["recipe"]["augmentation"]["meanPlace"] == "centre"
    model = AlexNet(len(names), settings["recipe"]["name"], dropout=True).double().eval()
    model.load_state_dict({name: tensors[name] for name in dict(model.named_parameters())})
    with open(table, newline="", encoding="utf-8") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    worst = 0.0
    for name, picture in pictures(dataset, count):
        batch = np.stack([part.transpose(2, 0, 1) for part in
                          crops(picture, mean, number, network["inputSide"], centred)])
        with torch.no_grad():
            probabilities = torch.softmax(model(torch.from_numpy(batch.copy())), 1).mean(0)
        row = rows[name]
        for place in range(1, 6):
            label = names.index(row[f"class{place}"])
            worst = max(worst, abs(float(row[f"probability{place}"]) - float(probabilities[label])))
    print(f"{number} crops, {count} images: the largest difference of a probability is {worst:.2e}")
    sys.exit(0 if worst < 1e-4 else 1)


main()
