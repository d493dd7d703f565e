"""Times PyTorch on a network of alexnet-train: whole training steps and forward passes, random pixels.

usage: bench_torch.py alexnet|cifar-four-layer BATCH STEPS plain|fp32|bf16        prints one JSON object

plain: as a first program has it. fp32: all that a tuned user has: channels last, torch.compile, SGD fused. bf16: the
same under autocast. Nothing is timed before it is compiled; whether the loss stays finite over the steps is said.
"""

import contextlib
import json
import math
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from alexnet_torch import AlexNet


class FourLayers(nn.Module):
    """The four-layer network of the paper's figure 1, which has the sizes of the 2012 code's layers-18pct.cfg.

    Both towers read all maps in every layer, so they are one network.
    """

    def __init__(self, classes):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 5, padding=2) for a, b in ((3, 32), (32, 32), (32, 64)))
        self.fc = nn.Linear(64 * 4 * 4, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.convs[0](x), 3, 2, ceil_mode=True))
        for conv in self.convs[1:]:
            x = F.avg_pool2d(F.relu(conv(x)), 3, 2, ceil_mode=True)
        return self.fc(x.flatten(1))


def main():
    network, batch, steps, way = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(os.cpu_count())
    side, classes = (224, 1000) if network == "alexnet" else (32, 10)
    model = (AlexNet if network == "alexnet" else FourLayers)(classes)
    x = torch.rand(batch, 3, side, side) * 255 - 128
    y = torch.arange(batch) % classes
    tuned = way != "plain"
    if tuned:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    rate = torch.optim.SGD(
        model.parameters(), lr=1e-9, momentum=0.9, weight_decay=0.0005, fused=True if tuned else None
    )
    run = torch.compile(model) if tuned else model
    losses = []

    def narrow():
        return torch.autocast("cpu", torch.bfloat16) if way == "bf16" else contextlib.nullcontext()

    def train():
        rate.zero_grad()
        with narrow():
            loss = F.cross_entropy(run(x).float(), y)
        loss.backward()
        rate.step()
        losses.append(loss.item())

    def infer():
        with torch.inference_mode(), narrow():
            run(x)

    def median(function, count):
        for _ in range(2):
            function()
        times = []
        for _ in range(count):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    model.train()
    training = batch / median(train, steps)
    model.eval()
    forward = batch / median(infer, steps)
    x = x[:1].clone()
    single = median(infer, 20)
    print(
        json.dumps(
            {
                "imagesPerSecond": training,
                "forwardImagesPerSecond": forward,
                "singleSeconds": single,
                "lossIsFinite": all(map(math.isfinite, losses)),
            }
        )
    )


main()
