"""Runs inside a fresh process pinned to the cores it was given: times gliofuse, prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

START = time.perf_counter()


def main() -> None:
    job = json.loads(sys.argv[1])
    result = patient(job) if job["what"] == "patient" else image(job)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


def image(job: dict) -> dict:
    from gliofuse.radiomics import RadiomicsExtractor, RadiomicsSettings

    settings = RadiomicsSettings.from_params(job["params"])
    extractor = RadiomicsExtractor(settings)
    imported = time.perf_counter() - START
    seconds, used, values = [], [], {}
    for _ in range(job["repeats"]):
        begin, busy = time.perf_counter(), time.process_time()
        values = extractor.execute(job["image"], job["mask"])
        seconds.append(time.perf_counter() - begin)
        used.append(time.process_time() - busy)
    features = {k: float(v) for k, v in values.items() if not k.startswith("diagnostics")}
    return {
        "import": imported,
        "first": seconds[0],
        "warm": seconds[1:],
        "cpu": used,
        "cpu_since_start": time.process_time() - sum(used[1:]),
        "features": features,
        "parts": parts(job, settings) if job["repeats"] > 1 else {},
    }


def parts(job: dict, settings) -> dict[str, float]:
    """Processor time of each step by itself, best of three."""
    import numpy as np

    from gliofuse.imaging.volume import Volume
    from gliofuse.radiomics.families import FAMILIES
    from gliofuse.radiomics.filters import FilterBank
    from gliofuse.radiomics.groups import image_values, region_values
    from gliofuse.radiomics.preprocess import preprocess
    from gliofuse.radiomics.region import Region

    best: dict[str, float] = {}

    def note(name: str, begin: float, store: dict) -> None:
        store[name] = store.get(name, 0.0) + time.process_time() - begin

    for _ in range(3):
        times: dict[str, float] = {}
        begin = time.process_time()
        picture, labels = Volume.read(job["image"]), Volume.read(job["mask"])
        note("load", begin, times)
        begin = time.process_time()
        ready = preprocess(picture, labels, settings.setting)
        note("check mask", begin, times)
        begin = time.process_time()
        region = Region(ready.mask[ready.box], picture.spacing_mm)
        region_values(region, "shape", settings.wanted("shape"))
        note("shape features", begin, times)
        wanted = {
            name: settings.wanted(name) for name in settings.featureClass if FAMILIES[name].of_image
        }
        bank = FilterBank(picture.array, picture.spacing_mm, ready.box, ready.texture_mask)
        for image_type in settings.imageType:
            setting = settings.image_settings(image_type)
            options = {k: v for k, v in setting.model_dump().items() if v is not None}
            begin = time.process_time()
            images = list(bank.images(image_type, options))
            note(f"filter {image_type}", begin, times)
            for _, values in images:
                for family in wanted:
                    begin = time.process_time()
                    image_values(np.asarray(values), region, setting, {family: wanted[family]})
                    note(f"features {family}", begin, times)
        for name, value in times.items():
            best[name] = min(best.get(name, np.inf), value)
    return best


def patient(job: dict) -> dict:
    """Time one patient; with two threads each takes half of the sequences."""
    from concurrent.futures import ThreadPoolExecutor
    from functools import partial
    from pathlib import Path

    from gliofuse.cohort import Case
    from gliofuse.radiomics.feature_table import extract_case
    from gliofuse.radiomics.parameters import RadiomicsSettings

    images = {name: Path(path) for name, path in job["images"].items()}
    case = Case("bench", images, Path(job["mask"]), None, {})
    sequences = list(images)
    shares = [sequences[start :: job["threads"]] for start in range(job["threads"])]
    extract = partial(
        extract_case,
        case,
        settings=RadiomicsSettings.from_params(job["params"]),
        regions=["whole"],
        convention="binary",
    )
    seconds, used, count = [], [], 0
    with ThreadPoolExecutor(job["threads"]) as pool:
        for _ in range(job["repeats"]):
            begin, busy = time.perf_counter(), time.process_time()
            parts = list(pool.map(lambda share: extract(sequences=share), shares))
            seconds.append(time.perf_counter() - begin)
            used.append(time.process_time() - busy)
            count = sum(map(len, parts))
    return {"first": seconds[0], "warm": seconds[1:], "cpu": used, "count": count}


if __name__ == "__main__":
    main()
