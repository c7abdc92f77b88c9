"""UCSF-PDGM: ``UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1_bias.nii.gz``, labels 1, 2, 4.

File names carry four digits, the ids of the clinical table three. Each sequence comes plain and
bias-corrected; the bias-corrected one is taken where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from gliofuse.cohort.layouts.base import NIFTI, FoundFile, Layout, natural_key

__all__ = ["UcsfPdgm"]

_FILE = re.compile(
    rf"(?P<id>UCSF-PDGM-\d+)(?:_(?P<visit>FU\d+d))?_"
    rf"(?:(?P<role>T1|T1c|T1gad|T1gd|T1ce|T2|FLAIR|ADC)(?P<bias>_bias)?|(?P<mask>tumor_segmentation))"
    rf"{NIFTI}",
    re.I,
)
_ROLES = {"t1": "t1", "t2": "t2", "flair": "flair", "adc": "adc"}
_ID = re.compile(r"(?:UCSF-PDGM-)?0*(\d+)((?:_FU\d+d)?)(?:_nifti)?", re.I)
_BASELINE = "baseline"


class UcsfPdgm(Layout):
    """UCSF preoperative diffuse glioma MRI; ``FU...d`` in a name marks a follow-up scan."""

    name = "ucsf-pdgm"
    title = "UCSF-PDGM"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = _FILE.fullmatch(path.name)
        if match is None:
            return None
        visit = match["visit"]
        if visit is None:  # some releases mark the visit on the folder alone
            marked = re.search(r"_(FU\d+d)(?:_|$)", path.parent.name, re.I)
            visit = marked[1] if marked else _BASELINE
        case_id = match["id"] if visit == _BASELINE else f"{match['id']}_{visit}"
        if match["mask"]:
            return FoundFile(path, match["id"], case_id, "mask", visit=visit)
        role = _ROLES.get(match["role"].lower(), "t1ce")
        return FoundFile(
            path,
            match["id"],
            case_id,
            role,
            visit=visit,
            variant="bias-corrected" if match["bias"] else "plain",
            preference=0 if match["bias"] else 1,
        )

    def ignores(self, path: PurePath) -> bool:
        """Diffusion-weighted images, perfusion and the other masks have no use here."""
        return path.name.upper().startswith("UCSF-PDGM-")

    def table_key(self, identifier: str) -> str:
        """Compare the number, whatever its leading zeros, and the visit.

        Examples
        --------
        >>> layout = UcsfPdgm()
        >>> layout.table_key("UCSF-PDGM-0004") == layout.table_key("UCSF-PDGM-004")
        True
        """
        match = _ID.fullmatch(identifier.strip())
        return match[1] + match[2].casefold() if match else super().table_key(identifier)

    def order_visits(self, visits: Sequence[str]) -> list[str] | None:
        """The scan without a mark comes first, then by days."""
        return sorted(visits, key=lambda visit: (visit != _BASELINE, natural_key(visit)))
