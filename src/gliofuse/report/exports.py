"""A folder of exports: its index says which files are one's own, and only these are replaced."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gliofuse.files import check_output, write_text

__all__ = ["INDEX_MARK", "ExportFolder"]

#: How an index starts, in a comment that Markdown does not show.
INDEX_MARK = "<!-- written by gliofuse"
_FILE = "- `"


class ExportFolder:
    """A folder that exports are written to.

    Parameters
    ----------
    path : path
    index : str
        Name of the Markdown file that lists what was written.
    inputs : path
        The run folder: nothing of it is ever written over.
    overwrite : bool
        Whether files are replaced that the index does not list.
    """

    def __init__(
        self, path: str | Path, index: str, *, run: str | Path, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        self.index = self.path / index
        self.run = Path(run)
        self.overwrite = overwrite
        self.own = self._listed()

    def _listed(self) -> set[str]:
        if not self.index.is_file():
            return set()
        lines = self.index.read_text(encoding="utf-8", errors="replace").splitlines()
        if not lines or not lines[0].startswith(INDEX_MARK):
            return set()
        named = {line.removeprefix(_FILE).split("`")[0] for line in lines if line.startswith(_FILE)}
        return named | {self.index.name}

    def check(self, names: Iterable[str]) -> None:
        """Refuse before anything is written if a file is somebody's, or the run's own.

        Raises
        ------
        InputError
            If a file is there that the index does not list, or belongs to the run.
        """
        for name in (self.index.name, *names):
            target = self.path / name
            of_run = [target] if self._is_of_run(target) else []
            check_output(target, inputs=of_run, overwrite=self.overwrite or name in self.own)

    def _is_of_run(self, target: Path) -> bool:
        return target.exists() and target.parent.resolve() == self.run.resolve()

    def write_index(self, title: str, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """List what was written: a sentence, and beneath it its files."""
        parts = [f"{INDEX_MARK} -->", f"# {title}", ""]
        for text, names in entries:
            parts += [text, "", *(f"{_FILE}{name}`" for name in names), ""]
        write_text(self.index, "\n".join(parts))
