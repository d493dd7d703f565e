"""Runs the script of Docs/Interchange.md and compares its logits with those of `alexnet features`.

usage: CHECKPOINT=FILE check_documented_script.py SCRIPT DATASET LOGITS.npy
"""

import pathlib
import runpy
import sys

import numpy as np
import torch

from check_training import read_images

script = runpy.run_path(sys.argv[1])
images, _ = read_images(pathlib.Path(sys.argv[2]))
ours = np.load(sys.argv[3])
with torch.no_grad():
    theirs = script["logits"](images[: len(ours)]).numpy()
worst = np.abs(ours - theirs).max() / np.abs(theirs).max()
print(f"{'ok  ' if worst < 1e-4 else 'FAIL'} the script of Docs/Interchange.md {worst:.1e}   bound 1e-04")
sys.exit(0 if worst < 1e-4 else 1)
