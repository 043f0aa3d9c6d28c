"""The command line when a file, a folder or a token is not what it should be: one sentence, exit status 1 or 2, no trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.policy.folders import edit, make_folder
from tre.audit import verify_folder


def tre(home: Path, *words: str, **environment: str) -> tuple[int, str]:
    """A command over a home; its exit status and what it says on standard error."""
    ended = run(home, *words, **environment)
    return ended.returncode, ended.stderr.strip()


def run(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": os.environ["PATH"], "TRE_HOME": str(home), "COLUMNS": "40", **environment}
    command = [sys.executable, "-m", "tre", *words]
    return subprocess.run(command, env=known, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def told(home: Path, *words: str, **environment: str) -> Any:
    """What a command that succeeds says as JSON."""
    ended = run(home, *words, "--json", **environment)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ("sample", "--persons", "5", "{file}"),
        ("sample", "--persons", "5", "/proc/none"),
        ("audit", "verify", "--known", "/no/such/checkpoint"),
        ("audit", "verify", "--known", "{bytes}"),
        ("load", "gp", "/no/such/folder"),
        ("opt-outs", "apply", "/no/such/list.csv"),
        ("keys", "backup", "/no/such/place/file", "--passphrase-file", "/no/such/pass"),
        ("keys", "backup", "/no/such/place/file"),
        ("keys", "restore", "/no/such/file", "--passphrase-file", "{pass}"),
        ("keys", "restore", "{bytes}", "--passphrase-file", "{pass}"),
        ("keys", "restore", "{bytes}", "--passphrase-file", "{bytes}"),
        ("policy", "approve", "sha256:0"),
        ("erase", "--check", "/no/such/certificate"),
        ("erase", "--check", "{bytes}"),
        ("erase", "gp"),
        ("erase", "no-such-dataset"),
        ("erase",),
        ("restore", "/no/such/backup"),
        ("restore", "{file}"),
        ("backup", "{file}"),
    ],
    ids=lambda words: " ".join(words),
)
def test_a_place_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bytes").chmod(0o600)
    (tmp_path / "pass").write_text("five words by chance")
    (tmp_path / "pass").chmod(0o600)
    places = {name: str(tmp_path / name) for name in ("file", "bytes", "pass")}
    status, said = tre(tmp_path / "home", *(word.format(**places) for word in words))
    assert status in (1, 2) and said, said
    assert "Traceback" not in said and len(said.splitlines()) == 1


def test_a_home_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    status, said = tre(tmp_path / "file", "serve")
    assert status == 2 and "Traceback" not in said and len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "setting",
    [{"TRE_TOKEN": "tré"}, {"TRE_ADDRESS": "nonsense"}, {"TRE_ADDRESS": "http://[bad"}, {"TRE_ADDRESS": "http://127.0.0.1:1"}],
    ids=str,
)
def test_a_client_that_cannot_ask_says_so(tmp_path: Path, setting: dict[str, str]) -> None:
    status, said = tre(tmp_path / "home", "budget", **setting)
    assert status in (1, 2) and "Traceback" not in said and len(said.splitlines()) == 1


def test_the_first_two_admins_are_made_at_the_terminal_without_a_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = [told(home, "token", "new", name, "--role", "admin") for name in ("ada", "alan")]
    assert [one["roles"] for one in made] == [["admin"], ["admin"]]
    assert len({one["token"] for one in made}) == 2 and all(one["token"].startswith("tre_") for one in made)
    told(home, "audit", "export", str(tmp_path / "out"))
    entries = (tmp_path / "out/tile/entries/000.p").glob("*")
    content = b"".join(path.read_bytes() for path in entries)
    assert content.count(b'"kind":"identity-made"') == 2
    assert not any(one["token"].encode() in content or one["name"].encode() in content for one in made)


def test_a_looser_policy_from_the_edit_to_the_start(tmp_path: Path) -> None:
    home, policies = tmp_path / "home", {"TRE_POLICIES": str(make_folder(tmp_path / "policies"))}
    assert set(told(home, "policy", "check", **policies)) == {"policies", "digest"} and not home.exists()
    tokens = {name: told(home, "token", "new", name, "--role", "controller", **policies)["token"] for name in ("carla", "colin")}
    status, said = tre(home, "load", "small", "/no/such/folder", **policies)
    assert status != 0 and "/no/such/folder" in said
    edit(tmp_path / "policies", "datasets/small.yaml", "threshold: 10", "threshold: 9")
    checked = told(home, "policy", "check", **policies)
    assert (checked["effect"], checked["approvals"]) == ("looser", 0)
    assert checked["differences"][0] | {"old": "10", "new": "9"} == checked["differences"][0]
    assert "disclosure.threshold: 10 → 9" in run(home, "policy", "check", **policies).stdout
    for command in (("serve",), ("load", "small", "/no/such/folder")):
        status, said = tre(home, *command, **policies, TRE_PORT="0")
        assert status == 2 and len(said.splitlines()) == 1
        assert "disclosure.threshold: 10 → 9" in said and f"tre policy approve {checked['digest']}" in said
    assert tre(home, "policy", "approve", checked["digest"], **policies) == (
        2,
        "Token of a controller cannot be asked for here: there is no terminal",
    )
    assert tre(home, "policy", "approve", checked["digest"], **policies, TRE_TOKEN="tré")[0] == 1
    for number, token in enumerate(tokens.values(), 1):
        approved = told(home, "policy", "approve", checked["digest"], **policies, TRE_TOKEN=token)
        assert approved["approvals"] == number
    status, said = tre(home, "load", "small", "/no/such/folder", **policies)
    assert "/no/such/folder" in said
    assert told(home, "policy", "check", **policies)["needs"] == "nothing: it is in force"


def test_keys_from_a_backup_over_a_loss_to_a_rotation(tmp_path: Path) -> None:
    home = tmp_path / "home"
    told(home, "token", "new", "ada", "--role", "admin")
    (tmp_path / "pass").write_text("five words by chance")
    (tmp_path / "pass").chmod(0o600)
    given = ("--passphrase-file", str(tmp_path / "pass"))
    file = told(home, "keys", "backup", str(tmp_path), *given)["file"]
    for path in (home / "keys").iterdir():
        path.unlink()
    assert tre(home, "token", "new", "alan", "--role", "admin")[0] == 2
    told(home, "keys", "restore", file, *given)
    rotated = told(home, "keys", "rotate")
    told(home, "audit", "export", str(tmp_path / "out"))
    assert verify_folder(tmp_path / "out", [rotated["old"]]).ok
    assert told(home, "doctor")["keys"]["ok"]


def test_help_says_which_keys_stay_and_why(tmp_path: Path) -> None:
    said = " ".join(run(tmp_path, "keys", "rotate", "--help", COLUMNS="200").stdout.split())
    assert "found a new home" in said and "the other two keys stay" in said.lower()
