"""A certificate of erasure is checked without us, and says nothing of who had a record."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.erasing.homes import PEOPLE, live, object_to
from tests.serving import office_of
from tre import audit
from tre.audit import checkpoint
from tre.errors import Refusal, Unfit
from tre.office import Office, certifying
from tre.persons import valid_nhs_number

IDS = re.compile(r"[0-9a-f]{32,}|\d{4}-\d\d-\d\dT[0-9:.]+Z|[A-Za-z0-9+/]{80,}={0,2}")
STRANGER = "9434765919"


def test_a_certificate_is_checked_without_us(office: Office, tmp_path: Path) -> None:
    object_to(office, "local", PEOPLE[0])
    was, told = live(office), office.erase(office.host, "gp")
    found = office.erasure(told["certificate"])
    assert found["snapshot"] == live(office).id and found["unlinked"] == [was.id] and found["manifest"] == live(office).manifest
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found))
    assert certifying.check(file, [])["certificate"] == found["certificate"]
    assert certifying.check(file, [office.publication.vkey])["dataset"] == "gp"
    with office.state.read() as tx:
        entry = audit.entry(tx, found["index"])
    assert entry is not None and entry.body["certificate"] == found["certificate"]
    assert [one["certificate"] for one in office.erasures()["erasures"]] == [found["certificate"]]
    with pytest.raises(Refusal):
        office.erasure("0" * 32)


@pytest.mark.parametrize(
    "field", ["dataset", "snapshot", "manifest", "registers", "at", "backups", "unlinked", "says", "regimes"]
)
def test_no_field_of_a_certificate_can_be_changed(field: str, office: Office, tmp_path: Path) -> None:
    found = office.erasure(office.erase(office.host, "gp")["certificate"])
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found | {field: "other"}))
    with pytest.raises(Unfit, match="was changed"):
        certifying.check(file, [])


def test_another_key_and_no_certificate_are_told(office: Office, tmp_path: Path) -> None:
    found = office.erasure(office.erase(office.host, "gp")["certificate"])
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(found))
    other = checkpoint.vkey("tre.local/log", bytes(Ed25519PrivateKey.generate().public_key().public_bytes_raw()))
    with pytest.raises(Unfit, match="another key signed it"):
        certifying.check(file, [other])
    assert certifying.check(file, [other, found["vkey"]])
    file.write_text("{}")
    with pytest.raises(Unfit, match="not an erasure certificate"):
        certifying.check(file, [])


def seen_by_everyone(furnished: Path, home: Path, number: str) -> str:
    """All that is public, and the entries, after one person's objection and an erasure."""
    shutil.copytree(furnished, home, ignore=shutil.ignore_patterns("serve.lock"))
    with office_of(home) as office:
        object_to(office, "local", number)
        told = office.erase(office.host, "gp")
        with office.state.read() as tx:
            leaves = [one.leaf.decode() for one in audit.page(tx, limit=1_000)]
        return IDS.sub("#", json.dumps([told, office.erasures(), office.erasure(told["certificate"]), leaves]))


def test_nothing_tells_whether_the_person_had_a_record(furnished: Path, tmp_path: Path) -> None:
    assert STRANGER not in PEOPLE and valid_nhs_number(STRANGER)
    theirs = [seen_by_everyone(furnished, tmp_path / number, number) for number in (PEOPLE[0], STRANGER)]
    assert theirs[0] == theirs[1]
    assert "#" in theirs[0] and PEOPLE[0] not in theirs[0]
