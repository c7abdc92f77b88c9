"""A head-sized patient's mask in seconds and memory, stage by stage.

The patient is that of ``synthetic.py`` (240 x 240 x 155, four sequences, 1 mm). The segmenter has
the plan of a preset for such heads and random weights, since its time does not depend on them; what
the first stage would find is given as a cube of ``--found-mm`` around the tumour, with the plan's
margin added. With ``--model`` a trained segmenter is timed as it is. Each preset runs in a fresh
process; its memory is the process's greatest resident set, libraries included.

    python benchmarks/segmentation.py                       # presets quick and full, two threads
    python benchmarks/segmentation.py --model segmenter --flips
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from synthetic import SEQUENCES, make_patient


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=["quick", "full"])
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--found-mm", type=float, default=80.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flips", action="store_true")
    parser.add_argument("--patient", type=Path, default=None, help="for the inner process")
    options = parser.parse_args()
    if options.patient is not None:
        measure(options)
        return
    with tempfile.TemporaryDirectory() as scratch:
        make_patient(Path(scratch))
        print("| segmenter | step | seconds |\n| --- | --- | --- |", flush=True)
        for preset in [str(options.model)] if options.model else options.presets:
            words = [sys.executable, __file__, *sys.argv[1:], "--patient", scratch]
            subprocess.run([*words, "--presets", preset], check=True)


def measure(options: Any) -> None:
    """Predict the patient once and print each step."""
    import torch

    from gliofuse.cohort import Case
    from gliofuse.compute import PeakMemory
    from gliofuse.segmentation import PredictionSettings, Segmenter

    torch.set_num_threads(options.threads)
    name = options.presets[0]
    paths = {sequence: options.patient / f"{sequence}.nii.gz" for sequence in SEQUENCES}
    segmenter = Segmenter.load(options.model) if options.model else untrained(name, options)
    with PeakMemory() as memory:
        clock = time.perf_counter()
        found = segmenter.predict_case(
            Case("patient", paths), PredictionSettings(flips=options.flips)
        )
        found.mask.write(options.patient / "predicted.nii.gz")
        total = time.perf_counter() - clock
    for step, seconds in found.seconds.items():
        print(f"| {name} | {step} | {seconds:.1f} |")
    print(f"| {name} | **all, the file written** | **{total:.1f}** |")
    print(f"| {name} | peak memory, GB | {memory.mb / 1024:.1f} |", flush=True)


def untrained(preset: str, options: Any) -> Any:
    """Return a segmenter of random weights whose first stage finds a cube."""
    from gliofuse.segmentation import Segmenter, plan_segmentation, segmentation_settings
    from gliofuse.segmentation.networks import build_stage
    from gliofuse.segmentation.outputs import Outputs
    from gliofuse.segmentation.plan import HeadShape

    head = HeadShape((1.0, 1.0, 1.0), (133, 177, 141), stripped=True)
    plan = plan_segmentation(
        [head], SEQUENCES, Outputs.choose("brats"), segmentation_settings(preset)
    )

    class Finding(Segmenter):
        """Finds the cube, whatever the first stage says."""

        def _region(self, head: Any, coarse: Any) -> Any:
            import torch

            found = torch.zeros_like(coarse)
            middle = []
            for cells, size, step in zip(found.shape[1:], head.shape, head.spacing_mm, strict=True):
                half = max(1, round(options.found_mm / 2 * cells / (size * step)))
                middle.append(slice(cells // 2 - half, cells // 2 + half))
            found[:, *middle] = 1.0
            return super()._region(head, found)

    return Finding(plan, {stage.name: build_stage(plan, stage) for stage in plan.stages})


if __name__ == "__main__":
    main()
