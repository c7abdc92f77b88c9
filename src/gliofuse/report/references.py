"""The publications that a methods paragraph cites, in words and as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gliofuse.records import DesignRecord
from gliofuse.version import __version__

__all__ = ["REFERENCES", "Reference", "bibtex", "of_design"]


@dataclass(frozen=True)
class Reference:
    """A publication.

    Parameters
    ----------
    key : str
        BibTeX's.
    authors, title, journal, year, place : str
        ``place`` is volume, issue and pages, as ``44(3):837-845``.
    doi : str
    """

    key: str
    authors: str
    title: str
    journal: str
    year: str
    place: str
    doi: str = ""

    @property
    def words(self) -> str:
        """As it stands in a list of references."""
        doi = f" doi:{self.doi}" if self.doi else ""
        parts = (self.authors, self.title, self.journal)
        start = " ".join(f"{part}." for part in parts if part)
        end = f"{self.year};{self.place}" if self.place else self.year
        return f"{start} {end}.{doi}" if end else f"{start}{doi}"

    @property
    def bibtex(self) -> str:
        """As an entry of a BibTeX file."""
        volume, _, pages = self.place.partition(":")
        fields = {
            "author": " and ".join(map(_name, self.authors.split(", "))),
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "year": self.year,
            "volume": volume.partition("(")[0],
            "number": volume.partition("(")[2].rstrip(")"),
            "pages": pages.replace("-", "--"),
            "doi": self.doi,
        }
        kind = "article" if self.journal else "misc"
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value.strip("{}")]
        return "\n".join([f"@{kind}{{{self.key},", *lines, "}"])


_KNOWN = (
    Reference(
        "gliofuse",
        "The gliofuse developers",
        f"gliofuse, version {__version__}",
        "",
        "",
        "",
    ),
    Reference(
        "delong1988",
        "DeLong ER, DeLong DM, Clarke-Pearson DL",
        "Comparing the areas under two or more correlated receiver operating characteristic "
        "curves: a nonparametric approach",
        "Biometrics",
        "1988",
        "44(3):837-845",
        "10.2307/2531595",
    ),
    Reference(
        "newcombe2006",
        "Newcombe RG",
        "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. "
        "Part 2: asymptotic methods and evaluation",
        "Stat Med",
        "2006",
        "25(4):559-573",
        "10.1002/sim.2324",
    ),
    Reference(
        "wilson1927",
        "Wilson EB",
        "Probable inference, the law of succession, and statistical inference",
        "J Am Stat Assoc",
        "1927",
        "22(158):209-212",
        "10.1080/01621459.1927.10502953",
    ),
    Reference(
        "holm1979",
        "Holm S",
        "A simple sequentially rejective multiple test procedure",
        "Scand J Stat",
        "1979",
        "6(2):65-70",
    ),
    Reference(
        "bengio2004",
        "Bengio Y, Grandvalet Y",
        "No unbiased estimator of the variance of K-fold cross-validation",
        "J Mach Learn Res",
        "2004",
        "5:1089-1105",
    ),
    Reference(
        "efron1997",
        "Efron B, Tibshirani R",
        "Improvements on cross-validation: the .632+ bootstrap method",
        "J Am Stat Assoc",
        "1997",
        "92(438):548-560",
        "10.1080/01621459.1997.10474007",
    ),
    Reference(
        "vancalster2019",
        "Van Calster B, McLernon DJ, van Smeden M, Wynants L, Steyerberg EW",
        "Calibration: the Achilles heel of predictive analytics",
        "BMC Med",
        "2019",
        "17:230",
        "10.1186/s12916-019-1466-7",
    ),
    Reference(
        "vickers2006",
        "Vickers AJ, Elkin EB",
        "Decision curve analysis: a novel method for evaluating prediction models",
        "Med Decis Making",
        "2006",
        "26(6):565-574",
        "10.1177/0272989X06295361",
    ),
    Reference(
        "harrell1982",
        "Harrell FE, Califf RM, Pryor DB, Lee KL, Rosati RA",
        "Evaluating the yield of medical tests",
        "JAMA",
        "1982",
        "247(18):2543-2546",
    ),
    Reference(
        "griethuysen2017",
        "van Griethuysen JJM, Fedorov A, Parmar C, Hosny A, Aucoin N, Narayan V, Beets-Tan RGH, "
        "Fillion-Robin JC, Pieper S, Aerts HJWL",
        "Computational radiomics system to decode the radiographic phenotype",
        "Cancer Res",
        "2017",
        "77(21):e104-e107",
        "10.1158/0008-5472.CAN-17-0339",
    ),
)


def _name(author: str) -> str:
    """Return ``DeLong ER`` as BibTeX wants it; a group stays as it is."""
    surname, _, initials = author.rpartition(" ")
    if not (surname and initials.isupper()):
        return f"{{{author}}}" if author else ""
    return f"{surname}, {' '.join(f'{letter}.' for letter in initials)}"


REFERENCES: dict[str, Reference] = {one.key: one for one in _KNOWN}
"""Every publication that a sentence may cite, by its key."""


def of_design(design: DesignRecord) -> Reference:
    """Return the publication of a design, whose citation is one line."""
    return Reference(design.name, "", design.citation.rstrip("."), "", "", "", design.doi)


def bibtex(references: Iterable[Reference]) -> str:
    """Return a BibTeX file."""
    return "\n\n".join(one.bibtex for one in references) + "\n"
