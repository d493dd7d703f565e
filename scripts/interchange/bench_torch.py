"""Times PyTorch on the two-tower AlexNet: whole training steps and forward passes, 1000 classes, random pixels.

usage: bench_torch.py BATCH STEPS        prints one JSON object
"""

import json
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from alexnet_torch import AlexNet


def main():
    batch, steps = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(os.cpu_count())
    model = AlexNet(1000)
    rate = torch.optim.SGD(model.parameters(), lr=1e-9, momentum=0.9, weight_decay=0.0005)
    x = torch.rand(batch, 3, 224, 224) * 255 - 128
    y = torch.arange(batch) % 1000

    def train():
        rate.zero_grad()
        F.cross_entropy(model(x), y).backward()
        rate.step()

    def infer():
        with torch.no_grad():
            model(x)

    def median(function):
        function()
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return batch / statistics.median(times)

    model.train()
    training = median(train)
    model.eval()
    forward = median(infer)
    x = x[:1].clone()
    single = 0
    for _ in range(3):
        infer()
    start = time.perf_counter()
    for _ in range(20):
        infer()
    single = (time.perf_counter() - start) / 20
    print(json.dumps({"imagesPerSecond": training, "forwardImagesPerSecond": forward, "singleSeconds": single}))


main()
