"""Heavy libraries load when they are first used, not on import."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("SimpleITK", "sklearn", "matplotlib", "scipy", "torch", "numba")
CODE = f"""
import sys
import gliofuse.cohort, gliofuse.imaging
print(*[name for name in {HEAVY} if name in sys.modules])
"""


def test_cohort_and_imaging_load_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
