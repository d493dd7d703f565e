"""Compares two arrays of NumPy: the largest difference over the largest value.

usage: compare_arrays.py WHAT OURS.npy THEIRS.npy BOUND
"""

import sys

import numpy as np

what, ours, theirs, bound = sys.argv[1], np.load(sys.argv[2]), np.load(sys.argv[3]), float(sys.argv[4])
assert ours.shape == theirs.shape, f"{ours.shape} and {theirs.shape}"
worst = np.abs(ours.astype(np.float64) - theirs).max() / np.abs(theirs).max()
print(f"{'ok  ' if worst < bound else 'FAIL'} {what:38} {worst:8.1e}   bound {bound:.0e}")
sys.exit(0 if worst < bound else 1)
