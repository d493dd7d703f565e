"""Reads what the program writes with the public readers of each format, and compares.

usage: check_files.py RUN EXPORT.safetensors EXPORT-bf16.safetensors EXPORT.npz

The exports are of the run's newest checkpoint.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors import safe_open


def tensors(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def main():
    run, plain, brief, archive = (pathlib.Path(word) for word in sys.argv[1:])
    checkpoint = sorted((run / "checkpoints").glob("step-*.safetensors"))[-1]
    saved, metadata = tensors(checkpoint)
    weights = {n: t for n, t in saved.items() if not n.startswith(("velocity.", "preprocessing."))}
    exported, texts = tensors(plain)
    assert exported.keys() == weights.keys()
    assert all(torch.equal(exported[name], saved[name]) for name in exported)
    assert all(texts[key] == metadata[key] for key in ("network", "classes", "preprocessing"))
    mean = np.frombuffer(base64.b64decode(texts["preprocessing.mean"]), "<f4")
    assert np.array_equal(mean.reshape(saved["preprocessing.mean"].shape), saved["preprocessing.mean"].numpy())
    assert int(texts["formatVersion"]) >= 1 and "state" not in texts
    halves, _ = tensors(brief)
    assert all(torch.equal(halves[name], saved[name].to(torch.bfloat16)) for name in weights)
    assert halves.keys() == weights.keys()
    with np.load(archive) as arrays:
        assert set(arrays.files) == set(exported) | {"preprocessing.mean", "__metadata__"}
        assert json.loads(bytes(arrays["__metadata__"])) == {
            key: text for key, text in texts.items() if not key.startswith(("sha256", "preprocessing.mean"))}
        assert all(np.array_equal(arrays[name], saved[name].numpy()) for name in arrays.files if name in saved)
    print(f"ok   safetensors, bf16 and npz: {len(weights)} tensors equal to the last bit (safetensors, numpy)")

    kinds = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        kinds.setdefault(record["kind"], []).append(record)
    assert [r["step"] for r in kinds["step"]] == list(range(1, len(kinds["step"]) + 1))
    config = json.loads((run / "config.json").read_text())
    assert config["network"]["name"] == json.loads(metadata["network"])["name"]
    print(f"ok   metrics.jsonl and config.json: {sum(map(len, kinds.values()))} records (json)")


main()
