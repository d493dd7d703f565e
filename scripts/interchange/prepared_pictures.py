"""The pictures of a dataset that 'alexnet prepare' made."""

import io
import json
import tarfile

import numpy as np
from PIL import Image


def named_pictures(dataset, split):
    """Yields the keys of a split's records, their pictures, side x side x RGB bytes, and their labels."""
    for shard in json.loads((dataset / "dataset.json").read_text())[split]["shards"]:
        records = {}
        with tarfile.open(dataset / shard["file"]) as tar:
            for member in tar:
                key, suffix = member.name.rsplit(".", 1)
                records.setdefault(key, {})[suffix] = tar.extractfile(member).read()
        for key, record in records.items():
            picture = Image.open(io.BytesIO(record.get("png") or record.get("jpg"))).convert("RGB")
            yield key, np.asarray(picture), int(record["cls"])


def pictures(dataset, split):
    """The same without the keys."""
    for _, picture, label in named_pictures(dataset, split):
        yield picture, label
