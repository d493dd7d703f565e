"""Writes 64 cuts of the two photographs that scikit-learn ships, as class folders, and eight for validation.

usage: photographs.py FOLDER

Photographs, since flat areas have windows with several equal maxima, where single and double precision rightly send
the gradient to different pixels.
"""

import pathlib
import random
import sys

from PIL import Image
from sklearn.datasets import load_sample_images

photographs = [Image.fromarray(picture) for picture in load_sample_images().images]
draw = random.Random(1)
for i in range(72):
    photograph = photographs[i % 2]
    side = draw.randint(200, 400)
    left, top = draw.randint(0, photograph.width - side), draw.randint(0, photograph.height - side)
    target = pathlib.Path(sys.argv[1], "train" if i < 64 else "val", f"class{i % 10}")
    target.mkdir(parents=True, exist_ok=True)
    cut = photograph.crop((left, top, left + side, top + side))
    cut.resize((256, 256), Image.Resampling.BICUBIC).save(target / f"{i}.png")
