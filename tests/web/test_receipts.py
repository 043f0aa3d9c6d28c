"""Lists and receipts over HTTP: acknowledged line by line, checked by whoever holds one, cut short without harm; and nothing that
anybody can fetch tells whether a person has a record."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import ROOT, Served, copy_home, office_of
from tests.web.test_opt_outs import present
from tests.web.test_terminal import run
from tre.audit import vkey as vkey_of
from tre.client import check_receipt
from tre.keys import Keys
from tre.persons import pseudonym

CSV = {"Content-Type": "text/csv"}
PAGE = (ROOT / "docs/check-a-receipt.md").read_text()
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LEAF, WAY, SIGNATURE = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def deliver(served: Served, *numbers: str, regime: str = "local") -> httpx.Response:
    with served.http("controller") as http:
        answer = http.post("/v1/opt-outs", json={"regime": regime, "nhs_numbers": list(numbers)})
    assert answer.status_code == 202, answer.text
    return answer


def lines_of(served: Served, answer: httpx.Response) -> list[dict[str, Any]]:
    with served.http("controller") as http:
        found = http.get(answer.headers["Location"])
    assert found.status_code == 200 and found.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in found.text.splitlines()]


def receipt_of(served: Served, told: str) -> dict[str, Any]:
    with served.http(None) as http:
        answer = http.get(f"/v1/opt-outs/{told}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def vkey(home: Path) -> str:
    return (home / "log/vkey").read_text().strip()


@pytest.fixture(scope="module")
def given(served: Served) -> dict[str, Any]:
    """A receipt of somebody who objected."""
    return receipt_of(served, lines_of(served, deliver(served, present()[400]))[0]["receipt"])


def test_every_line_is_told_with_its_receipt(served: Served) -> None:
    people = present()[200:203]
    answer = deliver(served, people[0], "123", people[1], people[0], "", people[2])
    (batch,) = answer.json()["batches"]
    assert answer.headers["Location"] == batch["address"] == f"/v1/opt-outs/batches/{batch['batch']}"
    assert (batch["received"], batch["applied"], batch["already_known"]) == (6, 3, 1)
    assert batch["rejected"] == {"invalid-nhs-number": 1, "missing": 1} and batch["rejected_lines"] == [2, 5]
    lines = lines_of(served, answer)
    assert [(line["line"], line["state"], line.get("reason")) for line in lines] == [
        (1, "applied", None), (2, "rejected", "invalid-nhs-number"), (3, "applied", None),
        (4, "known", None), (5, "rejected", "missing"), (6, "applied", None),
    ]  # fmt: skip
    for line in lines:
        found = receipt_of(served, line["receipt"])
        assert check_receipt(found, vkey(served.home)).ok
        assert found["state"] == ("rejected" if line["state"] == "rejected" else "entered")
    assert len({json.dumps(receipt_of(served, line["receipt"])["root"]) for line in lines}) == 1
    with served.http("controller") as http:
        told = http.get("/v1/opt-outs/batches").json()
    assert told["batches"][0]["batch"] == batch["batch"] and told["unfinished"] == []


def test_one_entry_of_the_log_names_the_root_and_no_number(served: Served) -> None:
    answer = deliver(served, *present()[210:260])
    found = receipt_of(served, lines_of(served, answer)[7]["receipt"])
    with served.http("auditor") as http:
        entry = http.get(f"/v1/audit/{found['entry']}").json()
    assert (entry["kind"], entry["batch"]) == ("opt-outs", found["batch"])
    assert entry["root"] == "sha256:" + base64.b64decode(found["root"]).hex()
    assert set(entry) == {"index", "at", "kind", "outcome", "person_asking", "batch", "regime", "root", "leaf"}


def test_a_receipt_that_was_not_given_is_told_in_the_same_words(served: Served, given: dict[str, Any]) -> None:
    one = given["receipt"]
    wrong = [one[:-1] + ("0" if one[-1] != "0" else "1"), "0" * 32 + one[32:], "x", f"{one}0", one.upper(), "%00", "é"]
    wrong.append(f"{one[:33]}{given['place'] ^ 1:06x}{one[39:]}")
    with served.http(None) as http:
        told = {
            (a.status_code, re.sub(r'"id":"[0-9a-f]{32}"', "", a.text)) for a in (http.get(f"/v1/opt-outs/{w}") for w in wrong)
        }
    assert len(told) == 1 and next(iter(told))[0] == 404


# ------------------------------------------------------------------------------------------------------------ checked offline


def flipped(receipt: dict[str, Any], name: str) -> dict[str, Any]:
    """The receipt with one bit of one field changed."""
    value = receipt[name]
    if isinstance(value, int):
        return receipt | {name: value ^ 1}
    if isinstance(value, list):
        return receipt | {name: [value[0].replace(value[0][3], "A" if value[0][3] != "A" else "B", 1), *value[1:]]}
    at = len(value) // 3
    return receipt | {name: value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]}


SAID = ["receipt", "regime", "effect", "received_at", "state", "leaf_hash", "place", "tree_size", "proof", "root", "batch"]
CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    **{name: (lambda found, name=name: flipped(found, name)) for name in [*SAID, "signed", "signature"]},  # type: ignore[misc]
    "a shorter proof": lambda found: found | {"proof": found["proof"][:-1]},
    "a longer proof": lambda found: found | {"proof": [*found["proof"], found["proof"][0]]},
    "the other state": lambda found: found | {"state": "rejected"},
    "a field missing": lambda found: {name: value for name, value in found.items() if name != "root"},
    "a list": lambda found: [found],
    "nothing": lambda found: None,
    "a tree of no size": lambda found: found | {"tree_size": 0},
    "a place that is no number": lambda found: found | {"place": "0"},
    "another spelling": lambda found: found | {"root": found["root"] + "\n"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_does_not_hold(served: Served, given: dict[str, Any], change: str, tmp_path: Path) -> None:
    wrong = CHANGES[change](given)
    assert not check_receipt(wrong, vkey(served.home)).ok and not check_receipt(wrong).ok
    if change in ("effect", "proof", "signature"):
        (tmp_path / "receipt.json").write_text(json.dumps(wrong))
        assert run(tmp_path, "opt-outs", "check", str(tmp_path / "receipt.json"), "--key", vkey(served.home)).returncode == 1


def test_another_leaf_or_another_key_does_not_hold(
    served: Served, given: dict[str, Any], furnished: Path, tmp_path: Path
) -> None:
    others = lines_of(served, deliver(served, *present()[300:302]))
    one, other = (receipt_of(served, line["receipt"]) for line in others)
    key = vkey(served.home)
    assert check_receipt(one, key).ok and check_receipt(other, key).ok
    for name in ("proof", "place", "leaf_hash", "receipt"):
        assert not check_receipt(one | {name: other[name]}, key).ok, name
    assert not check_receipt(one | {name: given[name] for name in ("signature", "signed", "batch")}, key).ok
    office = Keys.open(tmp_path / "keys")
    assert not check_receipt(one, vkey_of("tre.local/log", office.verify_key)).ok
    assert not check_receipt(one, key.replace("tre.local/log", "tre.other/log")).ok and not check_receipt(one, "x").ok


def test_the_terminal_checks_a_receipt(served: Served, given: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(given))
    ended = run(tmp_path, "opt-outs", "check", str(file), "--key", vkey(served.home), "--json")
    told = json.loads(ended.stdout)
    assert ended.returncode == 0 and told["ok"] and told["state"] == "entered" and "given" in told["detail"]
    assert run(tmp_path, "opt-outs", "check", str(file)).returncode == 0
    file.write_text("no JSON")
    assert run(tmp_path, "opt-outs", "check", str(file)).returncode == 2
    assert run(tmp_path, "opt-outs", "check", str(tmp_path / "none")).returncode == 2


def test_the_program_of_the_page_accepts_and_refuses(served: Served, given: dict[str, Any], tmp_path: Path) -> None:
    def check(receipt: Any, key: str) -> bool:
        (tmp_path / "receipt.json").write_text(json.dumps(receipt))
        command = [sys.executable, "-I", "-W", "ignore", "-c", PROGRAM, str(tmp_path / "receipt.json"), key]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0

    assert len([line for line in PROGRAM.splitlines() if line.strip()]) <= 20
    key = vkey(served.home)
    assert check(given, key) and not check(given, key[:-6] + ("AAAAA=" if key[-6:-1] != "AAAAA" else "BBBBB="))
    for name in ("effect", "received_at", "place", "tree_size", "proof", "batch", "signature", "regime", "state"):
        assert not check(flipped(given, name), key), name


def test_the_steps_of_the_page_with_openssl(
    served: Served, given: dict[str, Any], tmp_path: Path, tool: Callable[[str], str]
) -> None:
    for program in ("openssl", "jq", "xxd"):
        tool(program)

    def steps(script: str, receipt: dict[str, Any]) -> list[str]:
        (tmp_path / "RECEIPT.json").write_text(json.dumps(receipt))
        environment = {"PATH": "/usr/bin:/bin", "VKEY": vkey(served.home)}
        return subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True).stdout.split(
            "\n"
        )

    for script in (LEAF, WAY):
        first, second, _ = steps(script, given)
        assert first == second and len(first) == 44
    assert steps(SIGNATURE, given) == ["Signature Verified Successfully", given["root"], ""]
    first, second, _ = steps(LEAF, flipped(given, "effect"))
    assert first != second
    first, second, _ = steps(WAY, flipped(given, "proof"))
    assert first != second
    assert "Signature Verified Successfully" not in steps(
        SIGNATURE, given | {"signed": given["signed"].replace("local\n", "national\n")}
    )


# ----------------------------------------------------------------------------------------------------------- what is no list


@pytest.mark.parametrize(
    ("raw", "headers", "told"),
    [
        (b"", {}, "empty"),
        (b"", CSV, "header"),
        (b"9990000026\n", CSV, "header"),
        (b"nhs_number\n9990000026\n", CSV, "header"),
        (b"regime,nhs_number\nlocal,9990000026\nlocul,9990000026\n", CSV, "Line 3"),
        (b"\xff\xfer\x00e\x00", CSV, "header"),
        (b'{"regime": "local", "nhs_numbers": ["\xff"]}', {}, "UTF-8"),
        (b'{"regime": "local", "nhs_numbers": ["1"', {}, "too early"),
        (b'{"regime": "everything", "nhs_numbers": []}', {}, "regime"),
        (b"regime,nhs_number\n" + b"1" * 70_000, CSV, "longer than"),
    ],
)
def test_what_is_no_list_is_refused_with_what_is_wrong(served: Served, raw: bytes, headers: dict[str, str], told: str) -> None:
    with served.http("controller") as http:
        answer = http.post("/v1/opt-outs", content=raw, headers=headers)
    assert answer.status_code in (413, 422) and told in answer.json()["detail"], answer.text
    assert answer.json()["suggestion"] and "9990000026" not in answer.text


def test_a_line_that_is_no_text_is_rejected_by_itself(served: Served) -> None:
    with served.http("controller") as http:
        answer = http.post("/v1/opt-outs", content=b"regime,nhs_number\nlocal,\xff\xff\n", headers=CSV)
    assert answer.json()["batches"][0]["rejected"] == {"invalid-nhs-number": 1}
    assert [line["line"] for line in lines_of(served, answer)] == [2]


def test_a_mixed_list_is_a_batch_for_each_regime(served: Served) -> None:
    people = present()[500:504]
    raw = "regime,nhs_number\n" + "".join(
        f"{regime},{who}\n" for regime, who in zip(["local", "type-1"] * 2, people, strict=True)
    )
    with served.http("controller") as http:
        batches = http.post("/v1/opt-outs", content=raw.encode(), headers=CSV).json()["batches"]
        told = [http.get(batch["address"]).text.splitlines() for batch in batches]
    assert [(batch["regime"], batch["received"]) for batch in batches] == [("local", 2), ("type-1", 2)]
    assert [[json.loads(line)["line"] for line in lines] for lines in told] == [[2, 4], [3, 5]]


def test_a_body_that_is_cut_short_enters_nobody(furnished: Path, tmp_path: Path) -> None:
    people = present()[:2_000]
    home = copy_home(furnished, tmp_path / "home")
    body = "regime,nhs_number\n" + "".join(f"local,{number}\n" for number in people)

    def counts() -> tuple[int, int]:
        with sqlite3.connect(f"file:{home / 'database.sqlite'}?mode=ro", uri=True) as books:
            found = books.execute("SELECT (SELECT count(*) FROM objections), (SELECT count(*) FROM opt_out_batches)").fetchone()
        return found[0], found[1]

    with Served(home) as served:
        before = counts()
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            head = f"POST /v1/opt-outs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.tokens['controller']}\r\n"
            line.sendall(f"{head}Content-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n{body[:-9]}".encode())
            line.settimeout(1)
            with pytest.raises(TimeoutError):
                line.recv(1)
        with served.http("controller") as http:
            assert http.get("/v1/opt-outs/batches").json()["unfinished"] == [] and counts() == before
            assert http.post("/v1/opt-outs", content=body.encode(), headers=CSV).json()["batches"][0]["received"] == len(people)
        assert counts() != before


def test_what_was_acknowledged_outlives_a_kill(furnished: Path, tmp_path: Path) -> None:
    home, people = copy_home(furnished, tmp_path / "home"), present()[:30]
    served = Served(home).start()
    answer = deliver(served, *people)
    served.kill()
    with Served(home) as again:
        assert [line["state"] for line in lines_of(again, answer)] == ["applied"] * 30
        assert check_receipt(receipt_of(again, lines_of(again, answer)[3]["receipt"]), vkey(home)).ok
        assert deliver(again, *people).json()["batches"][0]["already_known"] == 30
        assert again.stop(signal.SIGTERM) == 0


# -------------------------------------------------------------------------------------------------------------- membership

MASKS = (
    (re.compile(r"[0-9a-f]{32}-[0-9a-f]{6}-[0-9a-f]{24}"), "RECEIPT"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"[0-9a-f]{32}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d(T|, )\d\d:\d\d(:\d\d\.\d{6}Z| UTC)"), "TIME"),
    (re.compile(r"[A-Za-z0-9+/]{42,86}={1,2}"), "BASE64"),
    (re.compile(r"[a-z]+\.local/log\+[0-9a-f]{8}\+\S{44}"), "KEY"),
    (re.compile(r'"place":\d+'), '"place":0'),
)


def masked(text: str) -> str:
    for mask, name in MASKS:
        text = mask.sub(name, text)
    return text


def public_bytes(home: Path, number: str) -> list[str]:
    """Everything that can be fetched after this person objected: the answer, its lines, receipts, pages, log."""
    with Served(home) as served:
        answer = deliver(served, number, "12", regime="national")
        with served.http("controller") as http, served.http("auditor") as auditor, served.http(None) as public:
            lines = http.get(answer.headers["Location"])
            receipts = [json.loads(line)["receipt"] for line in lines.text.splitlines()]
            found = [answer, lines, http.get("/v1/opt-outs/batches")]
            for receipt in receipts:
                found += [public.get(f"/v1/opt-outs/{receipt}"), public.get(f"/receipt?receipt={receipt}")]
            found += [public.get("/"), public.get("/readyz"), public.get("/v1/me")]
            entries = auditor.get("/v1/audit?kind=opt-outs").json()["entries"]
        # The length of a receipt is that of its place, which is drawn.
        passed = ("date", "content-length")
        told = [f"{one.status_code} {sorted(h for h in one.headers.items() if h[0] not in passed)} {one.text}" for one in found]
    with office_of(home) as office:
        office.export_log(office.host, home / "exported")
    leaves = [json.dumps({name: value for name, value in entry.items() if name != "leaf"}) for entry in entries]
    tiles = [path.name + str(path.stat().st_size) for path in sorted((home / "exported").rglob("*")) if path.is_file()]
    bundles = [
        path.read_bytes().decode("latin-1") for path in sorted((home / "exported/tile/entries").rglob("*")) if path.is_file()
    ]
    return [masked(text) for text in [*told, *leaves, *tiles, *bundles]]


def test_a_person_with_and_without_a_record_are_told_alike(furnished: Path, tmp_path: Path) -> None:
    """Two homes alike: in one a person of the sample objects, in the other nobody's number does."""
    there, nobody = (
        public_bytes(copy_home(furnished, tmp_path / name), who) for name, who in (("a", present()[3]), ("b", "9434765919"))
    )
    assert len(there) > 14 and there == nobody
    raw = "".join(there)
    assert "RECEIPT" in raw and present()[3] not in raw and "9434765919" not in raw
    for name in ("a", "b"):
        key = Keys.open(tmp_path / name / "keys").pseudonym
        public = b"".join(path.read_bytes() for path in (tmp_path / name / "exported").rglob("*") if path.is_file())
        assert not any(pseudonym(key, who).hex().encode() in public for who in (present()[3], "9434765919"))
