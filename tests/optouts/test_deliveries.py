"""Deliveries: every line of a file counts once, whatever it holds; a number is checked, made a pseudonym and kept nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.optouts.conftest import KEY, NUMBERS
from tre import optouts
from tre.errors import Reason, Refusal
from tre.optouts import Delivery, Line
from tre.persons import pseudonym

GOOD, OTHER = NUMBERS[0], NUMBERS[1]


def read(tmp_path: Path, content: str | bytes, regime: str | None = None) -> list[Line]:
    file = tmp_path / "opt_outs.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(optouts.read_file(file, regime))


def test_a_file_with_regimes(tmp_path: Path) -> None:
    lines = read(tmp_path, f"regime,nhs_number\nnational,{GOOD}\nlocal,{OTHER}\n")
    assert lines == [Line(2, "national", GOOD), Line(3, "local", OTHER)]


def test_a_file_of_one_regime(tmp_path: Path) -> None:
    assert read(tmp_path, f"nhs_number\n{GOOD}\n", "type-1") == [Line(2, "type-1", GOOD)]


@pytest.mark.parametrize(
    "content",
    [
        f"NHS_Number,Regime\r\n{GOOD},National\r\n",
        f'"regime","nhs_number"\n"national","{GOOD}"\n',
        f"\ufeffregime,nhs_number\nnational,{GOOD}\n",
        f"regime, nhs_number ,note\n national , {GOOD} ,x\n\n\n",
        f"regime,nhs_number\nnational,{GOOD}",
        f"regime,nhs_number\rnational,{GOOD}\r",
        f"regime,nhs_number,\nnational,{GOOD},\n",
    ],
)
def test_files_as_programs_write_them(content: str, tmp_path: Path) -> None:
    assert [(line.regime, line.nhs_number) for line in read(tmp_path, content)] == [("national", GOOD)]


@pytest.mark.parametrize(
    ("content", "regime"),
    [
        ("", None),
        ("\n", None),
        (f"national,{GOOD}\n", None),
        (f"nhs_number\n{GOOD}\n", None),
        ("regime,number\n", None),
        (f"regime,nhs_number\nnational,{GOOD}\n", "national"),
        (f"{GOOD}\n", "national"),
    ],
)
def test_a_file_without_its_header_is_refused(content: str, regime: str | None, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        read(tmp_path, content, regime)
    assert caught.value.reason is Reason.INVALID_REQUEST
    assert GOOD not in str(caught.value.args)


@pytest.mark.parametrize("regime", ["type-2", "", "National"])
def test_an_unknown_regime_is_refused(regime: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        read(tmp_path, f"nhs_number\n{GOOD}\n", regime)
    with pytest.raises(Refusal):
        list(optouts.lines_of(regime, [GOOD]))
    with pytest.raises(Refusal) as caught:
        optouts.receive(read(tmp_path, f"regime,nhs_number\nlocal,{OTHER}\ntype-2,{GOOD}\n"), KEY)
    assert "Line 3" in caught.value.detail and GOOD not in str(caught.value.args)


def test_a_stray_quotation_mark_swallows_nothing(tmp_path: Path) -> None:
    found = optouts.receive(read(tmp_path, f'regime,nhs_number\nnational,"{GOOD}\nnational,{OTHER}\n'), KEY)
    assert found["national"].pseudonyms == sorted(pseudonym(KEY, number) for number in (GOOD, OTHER))


def test_what_is_wrong_is_counted_by_reason_and_named_by_line(tmp_path: Path) -> None:
    spoiled = GOOD[:-1] + str((int(GOOD[-1]) + 1) % 10)
    content = (
        f"nhs_number,x\n{GOOD[:3]} {GOOD[3:6]} {GOOD[6:]}\n{spoiled}\n,x\n{GOOD}x\n".encode()
        + b"\xff\xfe\n"
        + f"{OTHER}\n".encode()
    )
    delivery = optouts.receive(read(tmp_path, content, "national"), KEY)["national"]
    assert delivery.pseudonyms == sorted([pseudonym(KEY, GOOD), pseudonym(KEY, OTHER)])
    assert delivery.rejected == {"invalid-nhs-number": 3, "missing": 1}
    assert delivery.named == [3, 4, 5, 6]


def test_only_the_first_rejected_lines_are_named() -> None:
    delivery = optouts.receive(optouts.lines_of("local", ["1"] * 1_000), KEY)["local"]
    assert delivery.rejected == {"invalid-nhs-number": 1_000}
    assert delivery.named == list(range(1, 21))


def test_another_dataset_numbers_its_people_as_it_likes() -> None:
    delivery = optouts.receive(optouts.lines_of("local", ["a 1", "a1", ""]), KEY, check="none")["local"]
    assert delivery.pseudonyms == [pseudonym(KEY, "a1")] * 2
    assert delivery.rejected == {"missing": 1}


@given(st.lists(st.tuples(st.sampled_from(["national", "local"]), st.sampled_from([GOOD, OTHER, "12", "", " ", "x,y"]))))
def test_every_line_is_accepted_or_rejected(lines: list[tuple[str, str]]) -> None:
    found = optouts.receive((Line(number, *line) for number, line in enumerate(lines)), KEY)
    for regime in ("national", "local"):
        delivery = found.get(regime, Delivery())
        assert len(delivery.pseudonyms) + sum(delivery.rejected.values()) == sum(line[0] == regime for line in lines)


def test_no_part_of_a_delivery_is_a_number() -> None:
    delivery = optouts.receive(optouts.lines_of("local", [GOOD, OTHER, "123"]), KEY)["local"]
    assert GOOD not in repr(delivery) and "123" not in repr(delivery).replace(repr(delivery.named), "")
