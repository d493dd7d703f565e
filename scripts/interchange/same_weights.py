"""Compares the newest checkpoints of two runs: names, shapes, and how far the numbers are apart.

usage: same_weights.py RUN RUN
"""

import pathlib
import sys

import torch
from safetensors import safe_open


def tensors(run):
    path = sorted(pathlib.Path(run, "checkpoints").glob("step-*.safetensors"))[-1]
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


(first, texts), (second, others) = tensors(sys.argv[1]), tensors(sys.argv[2])
assert first.keys() == second.keys() and texts.keys() == others.keys()
assert all(texts[key] == others[key] for key in ("network", "classes", "preprocessing", "formatVersion"))
assert all(first[name].shape == second[name].shape for name in first)
worst = max(float((first[n] - second[n]).norm() / (second[n].norm() + 1e-30)) for n in first)
print(f"{'ok  ' if worst < 1e-6 else 'FAIL'} {len(first)} tensors, {worst:.1e} apart at most   bound 1e-06")
sys.exit(0 if worst < 1e-6 else 1)
