"""Compares 'alexnet evaluate --predictions' with PyTorch: the probabilities of each image's five classes.

usage: check_predictions.py DATASET CHECKPOINT PREDICTIONS.csv CROPS [IMAGES [MODEL.onnx]]

CROPS is 1 or 10. The first IMAGES validation images (64 unless given) are computed in double precision, and by
onnxruntime where a model without preprocessing is given.
"""

import csv
import itertools
import json
import pathlib
import sys

import numpy as np
import onnxruntime
import torch
from safetensors import safe_open

from alexnet_torch import AlexNet
from prepared_pictures import named_pictures

BOUND = 1e-5


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
    session = onnxruntime.InferenceSession(sys.argv[6]) if len(sys.argv) > 6 else None
    with safe_open(checkpoint, "pt") as file:
        texts = file.metadata()
        tensors = {name: file.get_tensor(name).double() for name in file.keys() if not name.startswith("velocity.")}
    names, settings = json.loads(texts["classes"]), json.loads(texts["settings"])
    network = json.loads(texts["network"])
    mean = tensors.pop("preprocessing.mean").numpy()
    centred = settings["recipe"]["augmentation"]["meanPlace"] == "centre"
    dropout = any(layer["type"] == "dropout" for layer in network["layers"])
    model = AlexNet(len(names), settings["recipe"]["name"], dropout=dropout).double().eval()
    model.load_state_dict({name: tensors[name] for name in dict(model.named_parameters())})
    with open(table, newline="", encoding="utf-8") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    worst, seen = {}, 0
    for name, pixels, _ in itertools.islice(named_pictures(dataset, "validation"), count):
        picture = pixels.astype(np.float64)
        batch = np.stack([part.transpose(2, 0, 1) for part in
                          crops(picture, mean, number, network["inputSide"], centred)])
        with torch.no_grad():
            found = {"PyTorch in double precision": torch.softmax(model(torch.from_numpy(batch.copy())), 1).mean(0)}
        if session:
            feeds = {session.get_inputs()[0].name: batch.astype(np.float32)}
            found["onnxruntime"] = session.run(["probabilities"], feeds)[0].astype(np.float64).mean(0)
        row, seen = rows[name], seen + 1
        for who, probabilities in found.items():
            for place in range(1, min(5, len(names)) + 1):
                label = names.index(row[f"class{place}"])
                apart = abs(float(row[f"probability{place}"]) - float(probabilities[label]))
                worst[who] = max(worst.get(who, 0.0), apart)
    assert seen > 0
    for who, apart in worst.items():
        print(f"{'ok  ' if apart < BOUND else 'FAIL'} probabilities, {number} crops of {seen} images {apart:8.1e}"
              f"   {who}, bound {BOUND:.0e}")
    sys.exit(0 if max(worst.values()) < BOUND else 1)


main()
