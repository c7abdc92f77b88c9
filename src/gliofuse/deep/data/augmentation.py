"""Augmentation: steps that draw their parameters apart from applying them, and can be replayed.

A step's ``parameters(rng, image, label)`` holds all randomness; ``apply(image, ...)`` is a function
of its arguments. Images are float32 ``(channels, height, width)`` or ``(channels, depth, height,
width)``, and all channels undergo the same.

References
----------
Flips, CyclicShift, rotation, salt-and-pepper, class-wise crops: Zeng et al. 2024. CyclicShift: Lu
et al., ACM Multimedia 2022, 4921-4929.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gliofuse.deep.data.geometry import middle, resample
from gliofuse.errors import SettingError, did_you_mean

__all__ = [
    "Augmentation",
    "ClassCrops",
    "CyclicShift",
    "Flip",
    "Quarter",
    "Rotate",
    "SaltAndPepper",
    "Step",
    "augmentation_preset",
    "center_crop",
    "cyclic_shift",
    "flip",
    "rotate",
    "salt_and_pepper",
]


def flip(image: np.ndarray, axes: Iterable[int]) -> np.ndarray:
    """Mirror the image along ``axes`` (negative: -1 is left-right, -2 front-back).

    Examples
    --------
    >>> flip(np.array([[[1, 2], [3, 4]]]), [-1]).tolist()
    [[[2, 1], [4, 3]]]
    """
    chosen = tuple(axes)
    return np.flip(image, chosen) if chosen else image


def cyclic_shift(image: np.ndarray, shift: Iterable[int]) -> np.ndarray:
    """Shift over the last axes; what leaves on one side enters again on the other.

    Examples
    --------
    >>> cyclic_shift(np.array([[[1, 2, 3]]]), (0, 1)).tolist()
    [[[3, 1, 2]]]
    """
    moves = tuple(shift)
    return np.roll(image, moves, axis=tuple(range(-len(moves), 0)))


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate in the plane of the last two axes about the centre, linearly, in the same frame.

    Corners that come into view take the image's least value.
    """
    from scipy.ndimage import affine_transform

    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    # rounded, so that a quarter turn does not push border pixels out by 1e-17
    matrix = np.round(np.array([[cosine, sine], [-sine, cosine]]), 12)
    centre = (np.array(image.shape[-2:]) - 1) / 2
    offset = centre - matrix @ centre
    planes = image.reshape(-1, *image.shape[-2:])
    least = float(image.min())
    turned = [affine_transform(p, matrix, offset, order=1, cval=least) for p in planes]
    return np.stack(turned).reshape(image.shape)


def salt_and_pepper(image: np.ndarray, salt: np.ndarray, pepper: np.ndarray) -> np.ndarray:
    """Set pixels to the image's greatest (``salt``) or least (``pepper``) value, in all channels.

    ``salt`` and ``pepper`` are boolean, shaped as one channel.
    """
    result = np.where(salt, image.max(), image)
    return np.where(pepper, image.min(), result)


def center_crop(image: np.ndarray, size: int) -> np.ndarray:
    """Return the middle ``size`` pixels of the last two axes, padded where there are fewer."""
    return middle(image, (size, size), fill=float(image.min()))


class Step(ABC):
    """One augmentation."""

    @abstractmethod
    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw what to do with this image; ``None`` leaves it as it is."""

    @abstractmethod
    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Do what was drawn."""

    @property
    def crops(self) -> bool:
        """Whether the step changes the image's size."""
        return False


@dataclass(frozen=True)
class Flip(Step):
    """Mirror along each of ``axes`` with probability ``p``."""

    p: float = 0.5
    axes: tuple[int, ...] = (-1, -2)

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the axes."""
        return {"axes": [axis for axis in self.axes if rng.random() < self.p]}

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Mirror."""
        return flip(image, parameters["axes"])


@dataclass(frozen=True)
class CyclicShift(Step):
    """Shift by up to ``fraction`` of each in-plane side, with probability ``p``."""

    p: float = 0.5
    fraction: float = 0.5

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the vector."""
        if rng.random() >= self.p:
            return None
        reach = [int(side * self.fraction) for side in image.shape[-2:]]
        return {"shift": [int(rng.integers(-most, most + 1)) for most in reach]}

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Shift."""
        return cyclic_shift(image, parameters["shift"])


@dataclass(frozen=True)
class Rotate(Step):
    """Rotate in plane by an angle in ``[-degrees, degrees]``, with probability ``p``."""

    p: float = 1.0
    degrees: float = 180.0

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the angle."""
        if rng.random() >= self.p:
            return None
        return {"degrees": float(rng.uniform(-self.degrees, self.degrees))}

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Rotate."""
        return rotate(image, parameters["degrees"])


@dataclass(frozen=True)
class Quarter(Step):
    """Rotate in plane by a random multiple of 90 degrees; the planes must be square."""

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the number of quarter turns; half turns only where planes are not square."""
        square = image.shape[-1] == image.shape[-2]
        return {"turns": int(rng.integers(4)) if square else 2 * int(rng.integers(2))}

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Rotate."""
        return np.rot90(image, parameters["turns"], axes=(-2, -1))


@dataclass(frozen=True)
class SaltAndPepper(Step):
    """Set a share ``amount`` of pixels to the extremes, half each, with probability ``p``."""

    p: float = 0.5
    amount: float = 0.01

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the pixels."""
        if rng.random() >= self.p:
            return None
        draw = rng.random(image.shape[1:], dtype=np.float32)
        return {"salt": draw < self.amount / 2, "pepper": draw > 1 - self.amount / 2}

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Set the pixels."""
        return salt_and_pepper(image, parameters["salt"], parameters["pepper"])


@dataclass(frozen=True)
class ClassCrops(Step):
    """Crops by class: one enlarged and cropped at random, the other cropped in the middle.

    Images of class ``label`` are resized to ``resized``, their middle ``center`` is taken, and of
    that a random ``size``; images of the other class give their middle ``size``.

    Notes
    -----
    At prediction every image gives its middle ``size`` (``center_crop`` of the data set). Since
    one class alone is enlarged in training, a network can learn the scale instead of the tumour:
    the step is there because Zeng et al. have it, and only in the preset named for it.
    """

    label: int = 0
    resized: int = 448
    center: int = 224
    size: int = 160

    @property
    def crops(self) -> bool:
        """Whether the step changes the image's size: it does."""
        return True

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the corner of the random crop."""
        if label != self.label:
            return {"corner": None}
        return {"corner": [int(rng.integers(self.center - self.size + 1)) for _ in range(2)]}

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Crop."""
        if parameters["corner"] is None:
            return center_crop(image, self.size)
        large = center_crop(resample(image, (self.resized, self.resized)), self.center)
        top, left = parameters["corner"]
        return large[..., top : top + self.size, left : left + self.size]


class Augmentation:
    """Steps one after the other.

    Parameters
    ----------
    steps : iterable of Step
    name : str, optional
        For messages and records.

    Examples
    --------
    >>> image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    >>> steps = Augmentation([Flip(), CyclicShift()])
    >>> once = steps(image, rng=np.random.default_rng(3), label=0)
    >>> drawn = steps.draw(image, rng=np.random.default_rng(3), label=0)
    >>> bool((steps.replay(image, drawn) == once).all())
    True
    """

    def __init__(self, steps: Iterable[Step], *, name: str = "custom") -> None:
        self.steps = tuple(steps)
        self.name = name

    @property
    def crops(self) -> bool:
        """Whether any step changes the image's size."""
        return any(step.crops for step in self.steps)

    def __call__(self, image: np.ndarray, *, rng: np.random.Generator, label: int) -> np.ndarray:
        """Draw and apply."""
        return self._run(image, rng, label)[0]

    def draw(
        self, image: np.ndarray, *, rng: np.random.Generator, label: int
    ) -> list[dict[str, Any] | None]:
        """Return what would be done to ``image``, a list entry a step."""
        return self._run(image, rng, label)[1]

    def replay(self, image: np.ndarray, drawn: list[dict[str, Any] | None]) -> np.ndarray:
        """Do what :meth:`draw` returned."""
        for step, parameters in zip(self.steps, drawn):
            if parameters is not None:
                image = step.apply(image, **parameters)
        return image

    def as_dict(self) -> dict[str, Any]:
        """Return name and steps as plain data."""
        steps = [{"step": type(step).__name__, **asdict(step)} for step in self.steps]  # type: ignore[call-overload]
        return {"name": self.name, "steps": steps}

    def _run(
        self, image: np.ndarray, rng: np.random.Generator, label: int
    ) -> tuple[np.ndarray, list[dict[str, Any] | None]]:
        drawn: list[dict[str, Any] | None] = []
        for step in self.steps:
            parameters = step.parameters(rng, image, label)
            drawn.append(parameters)
            if parameters is not None:
                image = step.apply(image, **parameters)
        return image, drawn


def _presets() -> dict[str, list[Step]]:
    from gliofuse.deep.data.mri import BiasField, Elastic, Gamma, Noise

    return {
        "none": [],
        "flips": [Flip()],
        "class-crops": [ClassCrops(), Flip(), CyclicShift(), Rotate(), SaltAndPepper()],
        "shifts": [
            Flip(),
            CyclicShift(p=0.3, fraction=0.25),
            Rotate(),
            SaltAndPepper(),
        ],
        "quarters": [Flip(), Quarter()],
        "mri": [Flip(), Rotate(degrees=15.0), BiasField(), Gamma(), Noise(), Elastic()],
    }


def augmentation_preset(name: str, *, leave_out: Iterable[str] = ()) -> Augmentation | None:
    """Return a named augmentation, or ``None`` for ``"none"``.

    Parameters
    ----------
    name : {"none", "flips", "class-crops", "shifts", "quarters", "mri"}
        ``class-crops``: crops by class to 160 pixels, flips, cyclic shifts, rotations, salt and
        pepper, as Zeng et al. name them; ``shifts``: the same without the crops and with smaller
        shifts; ``quarters``: flips and quarter turns, for patches; ``mri``: flips, small
        rotations, bias field, gamma, noise, elastic deformation. Probabilities and strengths are
        the project's.
    leave_out : iterable of str
        Class names of steps to leave out, for an ablation: ``["CyclicShift"]``.

    Raises
    ------
    SettingError
        For an unknown name or step.

    Examples
    --------
    >>> [type(step).__name__ for step in augmentation_preset("quarters").steps]
    ['Flip', 'Quarter']
    """
    presets = _presets()
    if name not in presets:
        raise SettingError(f"augmentation {name!r}: {did_you_mean(name, presets)}")
    names = [type(step).__name__ for step in presets[name]]
    for left in leave_out:
        if left not in names:
            raise SettingError(
                f"augmentation {name!r} has no {left!r}; {did_you_mean(left, names)}"
            )
    steps = [step for step in presets[name] if type(step).__name__ not in set(leave_out)]
    return Augmentation(steps, name=name) if steps else None
