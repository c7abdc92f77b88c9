"""Runs under the other interpreter: times PyRadiomics on one core, prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

START = time.perf_counter()


def main() -> None:
    job = json.loads(sys.argv[1])
    import warnings

    warnings.simplefilter("ignore")
    import SimpleITK as sitk
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    import radiomics

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    radiomics.setVerbosity(60)
    extractor = RadiomicsFeatureExtractor(job["params"])
    imported = time.perf_counter() - START
    seconds, used, values = [], [], {}
    for _ in range(job["repeats"]):
        begin, busy = time.perf_counter(), time.process_time()
        values = extractor.execute(job["image"], job["mask"])
        seconds.append(time.perf_counter() - begin)
        used.append(time.process_time() - busy)
    features = {k: float(v) for k, v in values.items() if not k.startswith("diagnostics")}
    result = {
        "version": radiomics.__version__,
        "import": imported,
        "first": seconds[0],
        "warm": seconds[1:],
        "cpu": used,
        "cpu_since_start": time.process_time() - sum(used[1:]),
        "features": features,
        "parts": parts(job, extractor),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(result))


def parts(job: dict, extractor) -> dict[str, float]:
    """Processor time of each step by itself, once."""
    import SimpleITK as sitk

    from radiomics import generalinfo, getFeatureClasses, imageoperations

    times: dict[str, float] = {}

    def note(name: str, begin: float) -> None:
        times[name] = times.get(name, 0.0) + time.process_time() - begin

    settings = extractor.settings
    begin = time.process_time()
    info = generalinfo.GeneralInfo()
    image, mask = extractor.loadImage(job["image"], job["mask"], info, **settings)
    note("load", begin)
    begin = time.process_time()
    box, _ = imageoperations.checkMask(image, mask, **settings)
    note("check mask", begin)
    begin = time.process_time()
    extractor.computeShape(image, mask, box, **settings)
    note("shape features", begin)
    classes = getFeatureClasses()
    for image_type, own in extractor.enabledImagetypes.items():
        options = {**settings, **own}
        generator = getattr(imageoperations, f"get{image_type}Image")(image, mask, **options)
        while True:
            begin = time.process_time()
            item = next(generator, None)
            note(f"filter {image_type}", begin)
            if item is None:
                break
            derived = sitk.Image(item[0])  # the local binary patterns reuse one array
            cropped, cropped_mask = imageoperations.cropToTumorMask(derived, mask, box)
            for family in extractor.enabledFeatures:
                if family.startswith("shape"):
                    continue
                begin = time.process_time()
                classes[family](cropped, cropped_mask, **item[2]).execute()
                note(f"features {family}", begin)
    return times


if __name__ == "__main__":
    main()
