"""Write ``data/pyradiomics_values.json``: what PyRadiomics 3.0.1 gives for ``made_cases.py``.

Run by an interpreter that has PyRadiomics and nothing of gliofuse (``benchmarks/README.md`` says
how to install it)::

    python tests/radiomics/make_pyradiomics_values.py

The stored values were made so under Python 3.11, PyRadiomics 3.0.1, NumPy 1.26.4, SciPy 1.11.4,
PyWavelets 1.9.0 and SimpleITK 2.5.7 on x86-64. Ten significant digits of a value are kept, and all
of the edge of a bin; the features of a family stand in PyRadiomics' alphabetical order.

``--random 0:500`` prints a JSON line for each of so many random cases instead: seed and values, or
seed and PyRadiomics' error.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "data" / "pyradiomics_values.json"


def values_of(made: Any) -> dict[str, float]:
    """Return every feature of a case by its full name."""
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    extractor = RadiomicsFeatureExtractor({**made.params})
    extractor.settings["additionalInfo"] = False
    found = extractor.execute(*made.as_sitk())
    return {name: float(value) for name, value in found.items()}


def grouped(values: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Yield ``<image>_<family>`` and its values as JSON."""
    groups: dict[str, list[str]] = {}
    for name in sorted(values, key=lambda name: f"{name}FeatureValue"):
        group, _ = name.rsplit("_", 1)
        groups.setdefault(group, []).append(f"{values[name]:.10g}".replace("nan", "NaN"))
    for group, numbers in groups.items():
        yield group, f"[{', '.join(numbers)}]"


def edges(ranges: Any) -> Iterator[str]:
    """Yield the bin edges of each range as JSON."""
    import numpy as np
    from radiomics.imageoperations import getBinEdges

    for dtype, low, high, setting in ranges:
        found = getBinEdges(np.array([low, high], dtype=dtype), **setting)
        yield json.dumps([float(edge) for edge in found])


def print_random(first: int, last: int) -> None:
    """Print the values of the random cases of some seeds."""
    from made_cases import random_case

    for seed in range(first, last):
        try:
            found: Any = values_of(random_case(seed))
        except Exception as error:
            found = str(error)
        print(json.dumps([seed, found]))


def write() -> None:
    """Write the file of stored values."""
    from made_cases import RANGES, cases

    names = ("pyradiomics", "numpy", "scipy", "PyWavelets", "SimpleITK")
    made_by = json.dumps({name: version(name) for name in names})
    blocks = []
    for name, made in cases():
        lines = [f'   "{group}": {numbers}' for group, numbers in grouped(values_of(made))]
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    text = (
        f'{{\n "versions": {made_by},\n "edges": [\n  '
        + ",\n  ".join(edges(RANGES))
        + '\n ],\n "values": {\n'
        + ",\n".join(blocks)
        + "\n }\n}\n"
    )
    FILE.write_text(text, encoding="utf-8")


def main() -> None:
    import radiomics

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", metavar="FIRST:LAST", help="seeds of random cases to print")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    radiomics.setVerbosity(60)
    if chosen.random:
        print_random(*map(int, chosen.random.split(":")))
    else:
        write()


if __name__ == "__main__":
    main()
