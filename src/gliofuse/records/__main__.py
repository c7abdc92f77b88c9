"""Print the documentation's page on the run folder."""

from __future__ import annotations

from gliofuse.records.page import run_folder_page

if __name__ == "__main__":
    print(run_folder_page(), end="")
