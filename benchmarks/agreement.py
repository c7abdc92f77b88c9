"""Compare two sets of features and write the table that the documentation shows."""

from __future__ import annotations

import math
from collections.abc import Mapping


def relative_difference(ours: float, theirs: float) -> float:
    """0 where equal (NaN equals NaN), infinite where only one is a number."""
    if ours == theirs or (math.isnan(ours) and math.isnan(theirs)):
        return 0.0
    if not (math.isfinite(ours) and math.isfinite(theirs)):
        return math.inf
    return abs(ours - theirs) / max(abs(ours), abs(theirs))


def split_name(name: str) -> tuple[str, str, str]:
    """Return derived image, family and feature of a feature's name."""
    image, family, feature = name.rsplit("_", 2)
    return image, family, feature


def compare(ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict:
    """Return the largest relative difference per image and family, and every one above 1e-6."""
    table: dict[str, dict[str, float]] = {}
    above = []
    shared = [name for name in theirs if name in ours]
    for name in shared:
        image, family, _ = split_name(name)
        difference = relative_difference(ours[name], theirs[name])
        row = table.setdefault(image, {})
        row[family] = max(row.get(family, 0.0), difference)
        if difference > 1e-6:
            above.append((name, ours[name], theirs[name], difference))
    return {
        "compared": len(shared),
        "only_ours": sorted(set(ours) - set(theirs)),
        "only_theirs": sorted(set(theirs) - set(ours)),
        "table": table,
        "above": sorted(above, key=lambda row: -row[3]),
        "largest": max((max(row.values()) for row in table.values()), default=0.0),
    }


def as_markdown(result: dict) -> str:
    """Return the comparison as Markdown tables."""
    families = list(dict.fromkeys(family for row in result["table"].values() for family in row))
    lines = [
        "| derived image | " + " | ".join(families) + " |",
        "| --- |" + " --- |" * len(families),
    ]
    for image, row in result["table"].items():
        cells = (f"{row[family]:.0e}" if family in row else "" for family in families)
        lines.append(f"| {image} | " + " | ".join(cells).replace("0e+00", "0") + " |")
    lines += ["", f"Features compared: {result['compared']}; largest relative difference: "]
    lines[-1] += f"{result['largest']:.1e}; above 1e-6: {len(result['above'])}."
    for side, names in (("gliofuse", result["only_ours"]), ("PyRadiomics", result["only_theirs"])):
        if names:
            lines.append(f"Only in {side}: {len(names)} ({', '.join(names[:6])}).")
    if result["above"]:
        lines += ["", "| feature | gliofuse | PyRadiomics | relative difference |"]
        lines.append("| --- | --- | --- | --- |")
        lines += [
            f"| {name} | {ours:.9g} | {theirs:.9g} | {difference:.1e} |"
            for name, ours, theirs, difference in result["above"][:40]
        ]
    return "\n".join(lines) + "\n"
