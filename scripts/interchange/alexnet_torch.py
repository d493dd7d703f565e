"""The two-tower AlexNet in PyTorch, written from the paper and its authors' code, not from this project's Swift.

Both towers are one module: a convolution that reads its own tower is a convolution with two groups, and
response normalisation runs over each half of the maps by itself. Weights have the names of torchvision's
AlexNet, so that a checkpoint of alexnet-train loads as it is.
"""

import torch
import torch.nn.functional as F
from torch import nn


class TowerNorm(nn.Module):
    """Response normalisation across five neighbouring maps, within each half of the maps.

    The five squares are added by a convolution of 1x1 pixels whose weights are 1 near the diagonal. Compiled by
    PyTorch 2.15, sums of padded slices take half as long again for the whole training step in bf16, and read behind
    their memory.
    """

    def __init__(self, towers, scale):
        super().__init__()
        self.towers = towers
        self.scale = scale

    def forward(self, x):
        place = torch.arange(x.shape[1] // self.towers, device=x.device)
        near = ((place[:, None] - place).abs() <= 2).to(x.dtype).repeat(self.towers, 1)
        total = F.conv2d(x * x, near[:, :, None, None], groups=self.towers)
        return x * (2.0 + self.scale * total) ** -0.75


class SpatialNorm(nn.Module):
    """Normalisation over the 5x5 pixels of the same map, which only the 2012 code has."""

    def forward(self, x):
        total = F.avg_pool2d(x * x, 5, stride=1, padding=2, divisor_override=1)
        return x * (1.0 + 0.001 / 25 * total) ** -0.75


class AlexNet(nn.Module):
    def __init__(self, classes, recipe="paper", dropout=True):
        super().__init__()
        code = recipe == "code2012"
        scale = 1e-4 / 5 if code else 1e-4
        self.norm = TowerNorm(2, scale)
        self.spatial = SpatialNorm() if code else nn.Identity()
        self.code = code
        self.dropout = dropout
        self.features = nn.ModuleDict(
            {
                "0": nn.Conv2d(3, 96, 11, stride=4),
                "3": nn.Conv2d(96, 256, 5, padding=2, groups=2),
                "6": nn.Conv2d(256, 384, 3, padding=1),
                "8": nn.Conv2d(384, 384, 3, padding=1, groups=2),
                "10": nn.Conv2d(384, 256, 3, padding=1, groups=2),
            }
        )
        self.classifier = nn.ModuleDict(
            {"1": nn.Linear(9216, 4096), "4": nn.Linear(4096, 4096), "6": nn.Linear(4096, classes)}
        )

    def drop(self, x):
        if not self.dropout:
            return x
        # No inverted scaling: the paper halves the outputs at test time instead.
        return x * torch.bernoulli(torch.full_like(x, 0.5)) if self.training else x * 0.5

    def hidden(self, x):
        """The last hidden layer, from pixels 0..255 less the mean image, images x 3 x 224 x 224."""
        f, c = self.features, self.classifier
        x = f["0"](F.pad(x, (0, 3, 0, 3)))
        if self.code:
            x = F.relu(F.max_pool2d(self.norm(x), 3, 2))
        else:
            x = F.max_pool2d(self.norm(F.relu(x)), 3, 2)
        x = F.max_pool2d(self.spatial(self.norm(F.relu(f["3"](x)))), 3, 2)
        x = F.relu(f["6"](x))
        x = F.relu(f["8"](x))
        x = F.max_pool2d(F.relu(f["10"](x)), 3, 2)
        x = self.drop(F.relu(c["1"](x.flatten(1))))
        return self.drop(F.relu(c["4"](x)))

    def forward(self, x):
        return self.classifier["6"](self.hidden(x))
