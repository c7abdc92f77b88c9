"""How the pages look in a browser: nothing cut, nothing to scroll sideways, few sheets of paper."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow(minutes=0.2)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SAYS_ITS_SIZE = """<script>addEventListener("load", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
  const page = document.documentElement;
  const cut = [...document.querySelectorAll("main *")].filter((one) => !one.closest("svg")
    && !one.parentElement.closest(".scroll, pre")
    && one.getBoundingClientRect().right > page.clientWidth + 1).map((one) => one.outerHTML);
  const scrolling = [...document.querySelectorAll(".scroll")].filter(
    (one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent);
  parent.postMessage({width: page.clientWidth, scroll: page.scrollWidth, cut, scrolling}, "*");
});</script></body>"""
_FRAME = """<body><iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<pre id="told"></pre><script>addEventListener("message", (event) => {{
document.getElementById("told").textContent = JSON.stringify(event.data); }});</script></body>"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Return a function that runs a headless Chromium; skip where there is none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    profile = tmp_path_factory.mktemp("profile")

    def run(*options):
        usual = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")
        command = [program, *usual, f"--user-data-dir={profile}", *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout

    return run


def _measured(browser, folder, width, tmp_path):
    """Return what a page of a given width says of itself; Chromium's own window is 500 at least."""
    text = (folder / "report.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(text.replace("</body>", _SAYS_ITS_SIZE), encoding="utf-8")
    (tmp_path / "frame.html").write_text(_FRAME.format(width=width), encoding="utf-8")
    shown = browser("--window-size=1500,1000", "--virtual-time-budget=5000", "--dump-dom",
                    (tmp_path / "frame.html").as_uri())  # fmt: skip
    return json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', shown, re.DOTALL)[1]))


@pytest.mark.parametrize("name", ["run", "comparison"])
def test_no_page_scrolls_sideways_on_a_phone(browser, clinical_run, comparison, tmp_path, name):
    folder = {"run": clinical_run, "comparison": comparison}[name]
    found = _measured(browser, folder, 390, tmp_path)
    assert found["width"] <= 390
    assert found["scroll"] <= found["width"]
    assert found["cut"] == []


def test_nothing_is_cut_on_a_screen(browser, clinical_run, tmp_path):
    found = _measured(browser, clinical_run, 1280, tmp_path)
    assert found["scroll"] <= found["width"]
    assert (found["cut"], found["scrolling"]) == ([], [])


def test_a_run_prints_on_twelve_sheets_at_most(browser, clinical_run, tmp_path):
    paper = tmp_path / "report.pdf"
    page = (clinical_run / "report.html").as_uri()
    browser("--no-pdf-header-footer", f"--print-to-pdf={paper}", page)
    assert 1 < len(re.findall(rb"/Type\s*/Page[^s]", paper.read_bytes())) <= 12
