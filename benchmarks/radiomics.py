"""gliofuse against PyRadiomics on one head-sized volume: seconds, memory, agreement.

    python benchmarks/radiomics.py --pyradiomics-python /path/to/venv/bin/python

Both sides run the same files and the same 1,967 features in fresh processes pinned to one core,
one after the other. README.md says how to install PyRadiomics 3.0.1 beside gliofuse.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from agreement import as_markdown, compare  # noqa: E402
from gliofuse.designs import find_design  # noqa: E402
from synthetic import SEQUENCES, make_patient  # noqa: E402

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "ITK_GLOBAL_DEFAULT")


def params(setting: dict) -> dict:
    """Return the bank of rdl, the largest of the designs', with other settings."""
    return {**find_design("rdl").bank, "setting": setting}


def run(python: str, worker: str, job: dict, cores: set[int]) -> dict:
    """Run a worker on the given cores and return what it printed, with the wall time."""
    environment = dict(os.environ)
    for name in THREADS:
        variable = f"{name}_NUMBER_OF_THREADS" if name.startswith("ITK") else f"{name}_NUM_THREADS"
        environment[variable] = "1"
    begin = time.perf_counter()
    done = subprocess.run(
        [python, str(HERE / "workers" / worker), json.dumps(job)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    wall = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{worker} failed:\n{done.stderr[-3000:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}


def table(rows: list[tuple], head: tuple) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def speed_table(ours: dict, cold: dict, theirs: dict) -> str:
    def ratio(a: float, b: float) -> str:
        return f"{b / a:.0f}x"

    rows = [
        (
            "warm, best",
            *(f"{min(side['cpu']):.3f} s" for side in (ours, theirs)),
            ratio(min(ours["cpu"]), min(theirs["cpu"])),
        ),
        (
            "whole process, kernels cached, with imports",
            *(f"{side['cpu_since_start']:.2f} s" for side in (cold, theirs)),
            ratio(cold["cpu_since_start"], theirs["cpu_since_start"]),
        ),
        ("peak memory", f"{ours['peak_mb']:.0f} MB", f"{theirs['peak_mb']:.0f} MB", ""),
    ]
    head = ("1,967 features, one core, with loading", "gliofuse", "PyRadiomics", "")
    return "Seconds are of processor time.\n\n" + table(rows, head)


def step_table(ours: dict, theirs: dict) -> str:
    names = list(dict.fromkeys([*ours["parts"], *theirs["parts"]]))
    parts = [
        (
            name,
            *(f"{side['parts'].get(name, float('nan')) * 1000:.1f}" for side in (ours, theirs)),
        )
        for name in names
    ]
    parts.append(("sum", *(f"{sum(side['parts'].values()) * 1000:.0f}" for side in (ours, theirs))))
    return table(parts, ("step, ms of processor time", "gliofuse", "PyRadiomics"))


def patient_table(paths: dict[str, Path], setting: dict, repeats: int, core: set[int]) -> str:
    job = {
        "what": "patient",
        "images": {name: str(paths[name]) for name in SEQUENCES},
        "mask": str(paths["mask"]),
        "params": params(setting),
        "repeats": repeats,
        "threads": 1,
    }
    found = run(sys.executable, "ours.py", job, core)
    row = (found["count"], f"{min(found['cpu']):.2f} s", f"{found['peak_mb']:.0f} MB")
    return table([row], ("features", "warm, best", "peak memory"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pyradiomics-python", help="interpreter that has PyRadiomics 3.0.1")
    parser.add_argument("--repeats", type=int, default=6, help="runs in the warm process")
    parser.add_argument("--voxels", type=int, default=70_000, help="size of the region")
    parser.add_argument("--dtype", default="int16", help="voxel type of the files")
    parser.add_argument("--bin-count", type=int, default=32, help="0 for a bin width of 25")
    parser.add_argument("--output", type=Path, help="write the agreement page here")
    chosen = parser.parse_args()
    setting = {"binCount": chosen.bin_count} if chosen.bin_count else {"binWidth": 25}
    core = {max(os.sched_getaffinity(0))}
    page = [
        f"Machine: {platform.processor() or platform.machine()}, Python {sys.version.split()[0]}.\n"
    ]
    with tempfile.TemporaryDirectory() as name:
        paths = make_patient(Path(name), voxels=chosen.voxels, dtype=chosen.dtype)
        job = {
            "what": "image",
            "image": str(paths["t1ce"]),
            "mask": str(paths["mask"]),
            "params": params(setting),
            "repeats": chosen.repeats,
        }
        ours = run(sys.executable, "ours.py", job, core)
        cold = run(sys.executable, "ours.py", {**job, "repeats": 1}, core)
        print(  # wall-clock time is for the person at the machine; the page gets processor time
            f"gliofuse: warm {[round(s, 3) for s in ours['warm']]} s, first {cold['first']:.3f} s,"
        )
        print(f"  whole cold process {cold['wall']:.2f} s, peak {ours['peak_mb']:.0f} MB")
        for part, seconds in ours["parts"].items():
            print(f"  {part:24s} {seconds * 1000:8.1f} ms")
        patient = "Whole patient, four sequences:\n\n" + patient_table(paths, setting, 3, core)
        print(patient)
        if not chosen.pyradiomics_python:
            print("no --pyradiomics-python given: nothing to compare with (see README.md)")
            return
        theirs = run(chosen.pyradiomics_python, "pyradiomics.py", {**job, "repeats": 2}, core)
    result = compare(ours["features"], theirs["features"])
    page += [speed_table(ours, cold, theirs), patient, as_markdown(result)]
    print("\n".join([*page, step_table(ours, theirs)]))
    if chosen.output:
        write_page(chosen.output, page, chosen, theirs["version"])


def write_page(path: Path, page: list[str], chosen: argparse.Namespace, version: str) -> None:
    """Replace what stands between the page's markers."""
    begin, end = "<!-- run -->\n", "<!-- end of run -->\n"
    old = path.read_text(encoding="utf-8") if path.exists() else begin + end
    head, rest = old.split(begin)
    tail = rest.split(end)[1]
    command = (
        f"`python benchmarks/radiomics.py --pyradiomics-python ... --voxels {chosen.voxels} "
        f"--dtype {chosen.dtype} --bin-count {chosen.bin_count}` against PyRadiomics {version}.\n"
    )
    path.write_text(head + begin + "\n".join([command, *page]) + end + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
