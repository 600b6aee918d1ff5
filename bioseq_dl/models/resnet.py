"""ResNet-18 (He et al. 2016, CVPR), its parts named as in torchvision.

He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", table 1. Names and
shapes are those of ``torchvision.models.resnet18``, so that a state dict of that network fits.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.models.image_trunks import GridPooling

WIDTHS = (64, 128, 256, 512)
"""Channels of ``layer1`` to ``layer4``; each but the first halves the sides."""
PARTS = ("stem", "layer1", "layer2", "layer3", "layer4")
"""From the image on; the stem is ``conv1`` and ``bn1``."""


class BasicBlock(nn.Module):
    """Two convolutions of 3 x 3 and a way around them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Read (n, channels, height, width); give the same, each side divided by the stride."""
        found = functional.relu(_normalise(self.bn1, self.conv1(images)))
        found = _normalise(self.bn2, self.conv2(found))
        if self.downsample is not None:
            convolution, norm = self.downsample
            assert isinstance(norm, nn.BatchNorm2d)
            images = _normalise(norm, convolution(images))
        return functional.relu(found + images)


class ResNet18Trunk(nn.Module):
    """ResNet-18 without its last layer.

    Parameters
    ----------
    height, width : int
        Of the image.
    grid : int
        Parts of a side that the last map is averaged to; 1 as in the paper.
    channels : int
        Of the image.
    freeze : str
        Parts up to and with this one keep their weights and batch statistics; ``none`` of them.
    """

    def __init__(
        self, height: int, width: int, grid: int = 1, channels: int = 1, freeze: str = "none"
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, WIDTHS[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = _build_layer(WIDTHS[0], WIDTHS[0], 1)
        self.layer2 = _build_layer(WIDTHS[0], WIDTHS[1], 2)
        self.layer3 = _build_layer(WIDTHS[1], WIDTHS[2], 2)
        self.layer4 = _build_layer(WIDTHS[2], WIDTHS[3], 2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, ICCV, as torchvision starts
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for _ in range(5):  # conv1, the pooling after it, layer2 to layer4
            height, width = -(-height // 2), -(-width // 2)
        self.pooling = GridPooling(height, width, grid, WIDTHS[-1])
        self.features = self.pooling.features
        kept = 0 if freeze == "none" else PARTS.index(freeze) + 1
        frozen = {"stem": (self.conv1, self.bn1)} | {
            name: (getattr(self, name),) for name in PARTS[1:]
        }
        self._frozen = [module for name in PARTS[:kept] for module in frozen[name]]
        for module in self._frozen:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> ResNet18Trunk:
        """Set training mode, but for what is frozen: its batch statistics must not move."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def read_maps(self, images: Tensor) -> list[Tensor]:
        """Give what each of `PARTS` makes of images (n, channels, height, width)."""
        maps = [functional.relu(_normalise(self.bn1, self.conv1(images)))]
        found = functional.max_pool2d(maps[0], 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            found = layer(found)
            maps.append(found)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Read (n, channels, height, width); give (n, features)."""
        pooled: Tensor = self.pooling(self.read_maps(images)[-1])
        return pooled


def _build_layer(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(before, after, stride), BasicBlock(after, after, 1))


def _normalise(norm: nn.BatchNorm2d, maps: Tensor) -> Tensor:
    alone = type(norm) is nn.BatchNorm2d  # one of several processes counts them all itself
    if alone and norm.training and maps.numel() == maps.shape[1]:
        # One value a channel has no variance; take the statistics of the batches before.
        return functional.batch_norm(
            maps, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
    normed: Tensor = norm(maps)
    return normed
