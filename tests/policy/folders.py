"""A small folder of policies without a fault, and edits of it."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def make_folder(folder: Path) -> Path:
    (folder / "datasets").mkdir(parents=True)
    (folder / "codelists").mkdir()
    (folder / "codelists/sexes.csv").write_text("value\nF\nM\n")
    (folder / "codelists/asthma.csv").write_text("code,term\n195967001,Asthma\n")
    shutil.copy(HERE / "good.yaml", folder / "datasets/small.yaml")
    shutil.copy(HERE / "good-purposes.yaml", folder / "purposes.yaml")
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new, 1))
