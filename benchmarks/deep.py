"""Seconds and memory of every network at its paper's batch and input size.

    python benchmarks/deep.py                         # CPU, two threads, every network
    python benchmarks/deep.py --networks csg-densenet121 resnet50
    python benchmarks/deep.py --device cuda --amp     # a GPU, mixed precision

Random images, no loader: what is timed is the network (forward, backward, AdamW), and inference.
Each network runs in a process of its own, so that its peak memory is its own. Prints a Markdown
table.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

SEQUENCES = {
    "densenet121": ("t1",),
    "resnet34": ("t1",),
    "dual-resnet18": ("t1", "t1ce", "t2"),
    "se-resnet18-3d": ("t1", "t1ce", "t2"),
    "resnet18-3d": ("t1", "t1ce", "t2"),
}
ALL = ("t1", "t1ce", "t2", "flair")
SLICES_OF_A_PATIENT = 70  # about the mean of the rdl paper: 16,196 slices of 243 patients = 67
HEADER = (
    "| network | input (batch, channels, size) | parameters | training step, s | its CPU s | "
    "new patient, s | its CPU s | peak memory GB |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def measure(name: str, *, device: str, threads: int, steps: int, amp: bool) -> dict[str, Any]:
    """Time one network and return a row of the table."""
    import torch

    from gliofuse.deep.networks import NETWORKS, build_network

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    spec = NETWORKS[name]
    options = {"frozen": False} if name == "resnet34" else {}
    network = build_network(name, SEQUENCES.get(name, ALL), **options).to(device)
    image = torch.rand(spec.batch_size, network.in_channels, *spec.size, device=device)
    shape = torch.randn(spec.batch_size, 14, device=device)
    label = torch.arange(spec.batch_size, device=device) % 2
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=device == "cpu" or None)
    scaler = torch.amp.GradScaler(device, enabled=amp)

    def answer(part: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, enabled=amp):
            output = network(part, beside)
        logits = output["logits"] if isinstance(output, dict) else output
        return logits.float()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(answer(image, shape), label)
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()

    def infer() -> None:
        images = SLICES_OF_A_PATIENT if spec.input == "slices" else 1
        with torch.no_grad():
            for start in range(0, images, spec.batch_size):
                count = min(spec.batch_size, images - start)
                answer(image[:count], shape[:count])

    train_s, train_cpu_s = _timed(step, steps, device)
    network.eval()
    infer_s, infer_cpu_s = _timed(infer, steps, device)
    if device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**30
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "network": name,
        "input": f"{spec.batch_size} x {network.in_channels} x {' x '.join(map(str, spec.size))}",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "train_s": train_s,
        "train_cpu_s": train_cpu_s,
        "infer_s": infer_s,
        "infer_cpu_s": infer_cpu_s,
        "peak_gb": peak,
    }


def _timed(function: Any, repeats: int, device: str) -> tuple[float, float]:
    """Return the least wall and processor seconds of a call, after one that does not count.

    The least, since other work on the machine only ever adds; the processor seconds, over all
    threads, hardly notice it.
    """
    import torch

    walls, cpus = [], []
    for _ in range(repeats + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        if device == "cuda":
            torch.cuda.synchronize()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls[1:]), min(cpus[1:])


def main() -> None:
    """Measure each network in its own process and print the table."""
    from gliofuse.deep.networks import NETWORKS

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", choices=sorted(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--amp", action="store_true", help="mixed precision (with --device cuda)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        row = measure(
            given.one,
            device=given.device,
            threads=given.threads,
            steps=given.steps,
            amp=given.amp,
        )
        print(json.dumps(row))
        return
    print(HEADER, flush=True)
    passed = sys.argv[1:]
    for name in given.networks:
        command = [sys.executable, __file__, *passed, "--one", name]
        # Waiting threads sleep: spinning ones would be counted as work, and slow their peers.
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["killed, likely for memory"])[-1]
            print(f"| {name} | did not finish: {last[:120]} | | | | | | |", flush=True)
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {row['network']} | {row['input']} | {row['parameters']:,} | {row['train_s']:.3g} "
            f"| {row['train_cpu_s']:.3g} | {row['infer_s']:.3g} "
            f"| {row['infer_cpu_s']:.3g} | {row['peak_gb']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
