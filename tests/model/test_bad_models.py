"""A model's folder that was changed, added to or made by somebody else is refused in one line."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile

import pytest

from gliofuse.errors import InputError
from gliofuse.files import file_hash
from gliofuse.model import load_model
from gliofuse.model.estimators import types_in
from gliofuse.model.trusted import TRUSTED

pytestmark = [
    pytest.mark.slow(minutes=0.2),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]


class Planted:
    """What would run if a pickle of it were loaded."""

    def __reduce__(self):
        return (os.system, ("touch planted-code-ran",))


def sealed(folder):
    """Write a list of checksums that fits, as somebody who makes a folder by hand would."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    )
    text = "".join(f"{file_hash(folder / name, length=64)}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(text)


def described(folder, **changes):
    """Change the description, checksum and all."""
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    sealed(folder)


def retyped(folder, change):
    """Rewrite the tree of the estimators' file, checksum and all."""
    path = folder / "estimators.skops"
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= change(content)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    path.write_bytes(written.getvalue())
    sealed(folder)


def flipped_byte(folder):
    path = folder / "estimators.skops"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def planted_pickle(folder):
    (folder / "estimators.pkl").write_bytes(pickle.dumps(Planted()))


def listed_pickle(folder):
    planted_pickle(folder)
    sealed(folder)


def pickle_as_estimators(folder):
    (folder / "estimators.skops").write_bytes(pickle.dumps(Planted()))
    sealed(folder)


def pickle_in_the_archive(folder):
    retyped(folder, lambda content: {"more.pkl": pickle.dumps(Planted())})


def pickle_in_an_array(folder):
    def change(content):
        import numpy as np

        stream = io.BytesIO()
        np.save(stream, np.array([Planted()], dtype=object), allow_pickle=True)
        name = next(name for name in content if name.endswith(".npy"))
        return {name: stream.getvalue()}

    retyped(folder, change)


def unlisted_type(folder):
    def change(content):
        tree = json.loads(content["schema.json"])
        tree["__class__"], tree["__module__"] = "system", "os"
        return {"schema.json": json.dumps(tree).encode()}

    retyped(folder, change)


def trusted_by_skops_alone(folder):
    def change(content):
        text = content["schema.json"].decode()
        return {"schema.json": text.replace('"MinMaxScaler"', '"MaxAbsScaler"').encode()}

    retyped(folder, change)


def link(folder):
    target = folder.parent / "elsewhere.json"
    shutil.move(folder / "card.json", target)
    (folder / "card.json").symlink_to(target)


def path_that_leaves(folder):
    outside = folder.parent / "outside.json"
    outside.write_text("{}")
    with (folder / "SHA256SUMS").open("a") as stream:
        stream.write(f"{file_hash(outside, length=64)}  ../outside.json\n")


def setting_that_leaves(folder):
    described(folder, setting_files={"stable_features": "../outside.csv"})


def missing_file(folder):
    (folder / "card.md").unlink()


def no_list(folder):
    (folder / "SHA256SUMS").unlink()


def broken_list(folder):
    (folder / "SHA256SUMS").write_text("model.json is fine\n")


def not_json(folder):
    (folder / "model.json").write_text("{format: 1")
    sealed(folder)


def newer_format(folder):
    described(folder, format=99)


def wrong_design(folder):
    described(folder, design="rld")


def design_from_a_file(folder):
    (folder.parent / "mine.py").write_text("open('planted-code-ran', 'w')\n")
    described(folder, design=str(folder.parent / "mine.py"))


def unknown_key(folder):
    described(folder, script="run me")


WAYS = {
    flipped_byte: "estimators.skops: changed since the model was written",
    planted_pickle: "estimators.pkl: not a file of the model",
    listed_pickle: "estimators.pkl: no file that a model may hold",
    pickle_as_estimators: "cannot be read as estimators",
    pickle_in_the_archive: "'more.pkl', which is no part of an estimator",
    pickle_in_an_array: "cannot be read as estimators",
    unlisted_type: "would make an object of type 'os.system'",
    trusted_by_skops_alone: "of type 'sklearn.preprocessing._data.MaxAbsScaler'",
    link: "card.json: a link",
    path_that_leaves: "names a file outside its folder, '../outside.json'",
    setting_that_leaves: "names '../outside.csv', which is no file of the model",
    missing_file: "card.md: the model lacks this file",
    no_list: "no model .no SHA256SUMS",
    broken_list: "line 1: not a checksum and a file's name",
    not_json: "model.json: not JSON",
    newer_format: "format 99, written by gliofuse .*install a newer gliofuse",
    wrong_design: "no design 'rld'; did you mean 'rdl'",
    design_from_a_file: "no design '.*mine.py'",
    unknown_key: "script: Extra inputs are not permitted",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_damaged_or_foreign_model_is_refused(way, table_model, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    shutil.copytree(table_model, folder)
    monkeypatch.chdir(tmp_path)
    way(folder)
    with pytest.raises(InputError, match=WAYS[way]) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "planted-code-ran").exists()


def test_untouched_copy_is_loaded(table_model, tmp_path):
    shutil.copytree(table_model, tmp_path / "model")
    assert load_model(tmp_path / "model").description.design == "rdl"
    with pytest.raises(InputError, match="no such folder"):
        load_model(tmp_path / "nowhere")


def test_every_type_of_a_real_model_is_listed_and_more_is_not(table_model):
    found = types_in(table_model / "estimators.skops")
    assert "gliofuse.signature.weighted.WeightedFusion" in found
    assert found <= TRUSTED
    for name in ("builtins.eval", "builtins.getattr", "functools.partial", "os.system"):
        assert name not in TRUSTED


def test_model_is_written_whole_and_never_over_something_else(table_run, table_model, tmp_path):
    from gliofuse.study.export import export_run

    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("three years")
    with pytest.raises(InputError, match="holds no model; choose another folder"):
        export_run(table_run, other, fold="holdout")
    with pytest.raises(InputError, match="--overwrite replaces it"):
        export_run(table_run, table_model, fold="holdout")
    with pytest.raises(InputError, match=r"fold 'fold1': .*holdout"):
        export_run(table_run, tmp_path / "model", fold="fold1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]
