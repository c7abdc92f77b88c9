"""A search for disagreement with PyRadiomics: small random regions, images and settings.

    python benchmarks/radiomics_random.py --pyradiomics-python /path/to/venv/bin/python

Each seed makes one case (``random_case`` in ``tests/radiomics/made_cases.py``); both sides compute
every feature of it. What differs by more than 1e-8 relative is listed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests" / "radiomics"
sys.path[:0] = [str(TESTS), str(Path(__file__).resolve().parent)]

from made_cases import random_case  # noqa: E402

from agreement import relative_difference  # noqa: E402
from gliofuse.errors import GliofuseError  # noqa: E402
from gliofuse.radiomics import RadiomicsExtractor  # noqa: E402


def ours(seed: int) -> dict[str, float] | str:
    """Return every feature of a seed's case, or the error."""
    made = random_case(seed)
    try:
        return RadiomicsExtractor(made.params, additionalInfo=False).execute(*made.as_sitk())
    except GliofuseError as error:
        return str(error)


def differing(found: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    """Return relative differences above 1e-8, where values are not both 0 but for rounding."""
    differences = {
        name: relative_difference(found[name], value)
        for name, value in theirs.items()
        if not abs(found[name] - value) <= 1e-10
    }
    return {name: size for name, size in differences.items() if size > 1e-8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pyradiomics-python", required=True)
    parser.add_argument("--seeds", default="0:1000", metavar="FIRST:LAST")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    maker = [chosen.pyradiomics_python, str(TESTS / "make_pyradiomics_values.py")]
    done = subprocess.run(
        [*maker, "--random", chosen.seeds], capture_output=True, text=True, check=True
    )
    compared, cases, errors, worst = 0, 0, Counter(), {}
    for line in done.stdout.splitlines():
        seed, theirs = json.loads(line)
        found = ours(seed)
        if isinstance(found, str) or isinstance(theirs, str):
            both = isinstance(found, str) and isinstance(theirs, str)
            side = "both" if both else "gliofuse" if isinstance(found, str) else "PyRadiomics"
            errors[side] += 1
            continue
        cases, compared = cases + 1, compared + len(theirs)
        if set(found) != set(theirs):
            raise SystemExit(f"seed {seed}: the names differ")
        for name, size in differing(found, theirs).items():
            key = name.split("_", 1)[1]
            worst.setdefault(key, []).append((size, seed, found[name], theirs[name]))
    print(f"{cases} cases, {compared} values; an error of {dict(errors)}")
    for key, rows in sorted(worst.items()):
        size, seed, mine, other = max(rows)
        print(f"{key}: {len(rows)}, at most {size:.1e} (seed {seed}: {mine!r}, {other!r})")


if __name__ == "__main__":
    main()
