"""Making a standalone SVG fit to stand inside an HTML page among others."""

from __future__ import annotations

import re
from html import escape

__all__ = ["inline_svg"]


def inline_svg(text: str, *, name: str, title: str) -> str:
    """Return the ``<svg>`` element alone, its identifiers made unique and its content described.

    Parameters
    ----------
    text
        A whole SVG file.
    name
        Prefix of the identifiers: letters, digits and dashes.
    title
        What a screen reader says.

    Examples
    --------
    >>> svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><g id="a"/></svg>'
    >>> inline_svg(svg, name="roc", title="ROC")
    '<svg role="img" aria-label="ROC"><g id="roc-a"/></svg>'
    """
    start = re.search(r"<svg\b", text)
    text = text[start.start() :].rstrip() if start else text
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    # An SVG inside HTML has its namespaces already.
    text = re.sub(r'\s+xmlns(?::\w+)?="[^"]*"', "", text)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(\bhref=")#', rf"\1#{name}-", text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r"\n\s*", "\n", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
