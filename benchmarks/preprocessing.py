"""Seconds of each step of preprocessing, on a synthetic patient of a known size.

Usage: ``python benchmarks/preprocessing.py [--shape 240x240x155] [--threads 2]``; shapes are
in-plane voxels and slices, such as 256x256x26.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from gliofuse.cohort import Case
from gliofuse.phantom.acquisition import Acquisition, acquire
from gliofuse.phantom.tumour import plan_tumour
from gliofuse.phantom.whole_head import at_the_edge, head_grid, make_whole_head
from gliofuse.preprocessing import PreprocessingSettings, preprocess_case

_HEAD_MM = 170.0


def main() -> None:
    """Scan a synthetic head in four sequences, preprocess it and print what each step took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="240x240x155")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    x, y, z = (int(word) for word in options.shape.split("x"))
    rng = np.random.default_rng(0)
    head = make_whole_head(rng, head_grid(1.5), at_the_edge(plan_tumour(rng, 0.6)))
    spacing = (max(1.0, _HEAD_MM / z), 240 / y, 240 / x)
    with tempfile.TemporaryDirectory() as folder:
        images = {}
        for place, name in enumerate(("t1", "t1ce", "t2", "flair")):
            scan = Acquisition(
                (z, y, x),
                spacing,
                rotation_degrees=(3.0 * place, -2.0 * place, 2.0),
                shift_mm=(place, 2.0 * place, -3.0),
                bias=0.2,
            )
            images[name] = Path(folder) / f"{name}.nii.gz"
            acquire(rng, head, name, scan).volume.write(images[name])
        record = preprocess_case(
            Case("benchmark", images),
            Path(folder) / "out",
            PreprocessingSettings(),
            threads=options.threads,
        )
    print(f"{options.shape}, {options.threads} threads")
    for step, seconds in record.seconds.items():
        print(f"{step:>10} {seconds:6.1f} s")
    print(f"{'all':>10} {sum(record.seconds.values()):6.1f} s")
    if record.failed:
        print(f"refused at {record.stage}: {record.error}")


if __name__ == "__main__":
    main()
