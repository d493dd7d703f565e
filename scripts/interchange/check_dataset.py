"""Reads a dataset of `alexnet prepare` with the Python packages webdataset and safetensors, and compares.

    check_dataset.py DATASET

Every sample of every shard must be found by webdataset in the index's order, with the index's label, bytes and
CRC-32; the counts must be those of dataset.json; the mean image must be that of the decoded training pictures.
"""
import json
import pathlib
import struct
import sys
import zlib

import numpy
import webdataset
from PIL import Image
from safetensors.numpy import load_file
import io

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "dataset.json").read_text())
side = manifest["pictures"]["side"]
suffix = {"jpeg": "jpg", "png": "png", "raw": "rgb"}[manifest["pictures"]["encoding"]]
classes = [name["name"] for name in manifest["classes"]]
statistics = load_file(folder / "statistics.safetensors")
total = numpy.zeros((side, side, 3))

for split in ("train", "validation"):
    part = manifest[split]
    index = (folder / part["index"]["file"]).read_bytes()
    assert index[:8] == b"ALEXINDX" and struct.unpack_from("<IIQ", index, 8) == (1, 24, part["count"])
    records = list(struct.iter_unpack("<IQIII", index[24:]))
    shards = [str(folder / shard["file"]) for shard in part["shards"]]
    samples = webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)
    counts = [0] * len(classes)
    found = 0
    for sample, (shard, offset, length, label, crc) in zip(samples, records, strict=True):
        picture = sample[suffix]
        assert int(sample["cls"]) == label, sample["__key__"]
        assert len(picture) == length and zlib.crc32(picture) == crc, sample["__key__"]
        assert sample["__url__"] == shards[shard]
        counts[label] += 1
        found += 1
        if split == "train":
            if suffix == "rgb":
                pixels = numpy.frombuffer(picture, numpy.uint8).reshape(side, side, 3)
            else:
                pixels = numpy.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
            total += pixels
    assert found == part["count"]
    assert counts == [name[split] for name in manifest["classes"]]
    print(f"{split}: webdataset reads {found} samples in {len(shards)} shards and agrees on every label")

worst = abs(total / manifest["train"]["count"] - statistics["mean"]).max()
print(f"mean image: differs by {worst:.5f} of 255 at most from that of Pillow's decoder")
assert worst < (1.0 if suffix == "jpg" else 1e-4)
values, vectors = numpy.linalg.eigh(statistics["covariance"])
assert numpy.allclose(values[::-1], statistics["eigenvalues"], rtol=1e-9, atol=1e-12)
print("colour components: eigenvalues are numpy's")
