"""The reference page of the features, written from their definitions.

``python -m gliofuse.radiomics.reference_page docs/radiomics-features.md`` writes it; a test holds
the file to what this module returns.
"""

from __future__ import annotations

import re
import sys

from gliofuse.files import write_text
from gliofuse.radiomics.families import FAMILIES, Family, Feature

__all__ = ["features_page"]

_HEAD = """# Radiomic features

Every feature that `gliofuse.radiomics` computes, with its formula, its code in the reference manual
of the Image Biomarker Standardisation Initiative (IBSI, Zwanenburg et al., Radiology 2020) and,
where the value departs from IBSI's definition, how. Names and values are those of PyRadiomics
3.0.1; a full name is `<image>_<family>_<Feature>`, for example `wavelet-LLH_glcm_Contrast`, where
the shape features always carry `original`.

Grey levels: with `binWidth` w, a voxel's level is the number of the half-open bin [kw, (k+1)w) it
falls into, counted from 1 at the lowest bin that the region's minimum falls into. With `binCount` n
the region's range is cut into n equal bins, the last one closed. IBSI's fixed bin size starts at
the region's minimum (or a given value) instead of at a multiple of the width, so that levels can
differ by a fraction of a bin. Edges of a float32 image are float32 with `binCount` and float64 with
`binWidth`, as PyRadiomics under NumPy 1 has them.

This page is written from the definitions beside the code; do not edit it. To write it:

    python -m gliofuse.radiomics.reference_page docs/radiomics-features.md

"""


def features_page() -> str:
    """Return the reference page as Markdown.

    Examples
    --------
    >>> "`original_shape_MeshVolume`" in features_page()
    True
    """
    parts = [_HEAD, _contents()]
    parts += [_family(family) for family in FAMILIES.values()]
    parts.append(_others())
    return "\n".join(parts).rstrip() + "\n"


def _contents() -> str:
    rows = [f"| [`{name}`](#{name}) | {len(family.names)} |" for name, family in FAMILIES.items()]
    total = sum(len(family.names) for family in FAMILIES.values())
    return "\n".join(["| family | features |", "| --- | --- |", *rows, f"| all | {total} |", ""])


def _family(family: Family) -> str:
    sections = [_feature(family, feature) for feature in family.features]
    return "\n".join([f"## {family.name}", "", _markdown(family.text.strip()), "", *sections])


def _feature(family: Family, feature: Feature) -> str:
    image = "<image>" if family.of_image else "original"
    lines = [
        f"### {feature.name}",
        "",
        f"`{image}_{family.name}_{feature.name}` · "
        + (f"IBSI {feature.ibsi}" if feature.ibsi else "not defined by IBSI"),
        "",
        f"$$ {feature.formula} $$",
        "",
        feature.meaning,
    ]
    if feature.departure:
        lines += ["", f"*Departure from IBSI:* {feature.departure}"]
    return "\n".join([*lines, ""])


def _markdown(docstring: str) -> str:
    """Turn a docstring's mathematics, emphasis and references into Markdown."""
    text = re.sub(r":math:`([^`]+)`", lambda match: f"${' '.join(match[1].split())}$", docstring)
    text = text.replace("``", "`")
    text = re.sub(r"References\n-+\n", "References:\n\n", text)
    return re.sub(r"^\.\. \[\d+\] ", "- ", text, flags=re.MULTILINE)


def _others() -> str:
    extra = [
        f"`{name}`: {', '.join(family.on_request)}"
        for name, family in FAMILIES.items()
        if family.on_request
    ]
    gone = [
        f"`{name}`: {', '.join(f'{old} (equals {new})' for old, new in family.equals.items())}"
        for name, family in FAMILIES.items()
        if family.equals
    ]
    return "\n".join(
        [
            "## Deprecated features",
            "",
            "PyRadiomics calls these deprecated. Off by default and computed when a parameter file "
            "names them:",
            "",
            *(f"- {line}" for line in extra),
            "",
            "Not computed, as in PyRadiomics; asking for one names its equal:",
            "",
            *(f"- {line}" for line in gone),
        ]
    )


if __name__ == "__main__":
    write_text(sys.argv[1], features_page())
