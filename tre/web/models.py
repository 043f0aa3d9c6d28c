"""What comes in, as strict models: unknown fields are refused, numbers are decimals, never floats."""

from __future__ import annotations

import datetime
from decimal import Context, Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from tre.loss import UNIT
from tre.terms import Asking, Request

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[!-~]+$")]
Codes = Annotated[list[Code], Field(max_length=5_000)]
Said = Annotated[bool, Field(strict=True)]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"[^\s\x85\x1c-\x1f]")]
Role = Annotated[str, StringConstraints(pattern=r"^(researcher|admin|auditor|controller|checker)$")]


def _exact(value: Any) -> Any:
    """JSON numbers arrive as floats: their shortest text is what was written, so 0.4 is four tenths. Nothing smaller than the
    twelfth digit of a loss, or the eighteenth of a delta, is counted: behind the twenty-fourth there is nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("a number")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    places = exact.as_tuple().exponent
    return exact.quantize(SMALLEST, context=WIDE) if isinstance(places, int) and places < -PLACES else exact


def _whole(value: Any) -> Any:
    """In JSON 5.0 is a whole number too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


PLACES, LARGEST = 24, 10**6
SMALLEST, WIDE = Decimal(1).scaleb(-PLACES), Context(prec=400)
LEAST = Decimal(1) / UNIT
_number = BeforeValidator(_exact)
_finite = Field(allow_inf_nan=False)
# Each says in the document what it takes: the library would say that texts are taken too.
_share = WithJsonSchema({"type": "number", "minimum": 1e-12, "maximum": 1})
_amount = WithJsonSchema({"type": "number", "minimum": 1e-12, "maximum": LARGEST})
_epsilon = WithJsonSchema({"type": "number", "minimum": 0, "maximum": LARGEST})
_delta = WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 1})
Share = Annotated[Decimal, _number, _finite, Field(ge=LEAST, le=1), _share]
Amount = Annotated[Decimal, _number, _finite, Field(ge=LEAST, le=LARGEST), _amount]
Epsilon = Annotated[Decimal, _number, _finite, Field(ge=0, le=LARGEST), _epsilon]
Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")]
_margin = WithJsonSchema({"type": "number", "minimum": 1e-12, "maximum": 1e12})
Margins = Annotated[
    dict[Alias, Annotated[Decimal, _number, _finite, Field(ge=LEAST, le=10**12), _margin]],
    Field(min_length=1, max_length=100, json_schema_extra={"additionalProperties": False}),
]
Margin = Annotated[int, Field(gt=0, le=10**9, strict=True), BeforeValidator(_whole)]
Delta = Annotated[Decimal, _number, _finite, Field(ge=0, lt=1), _delta]


class Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuestionIn(Incoming):
    """A question: at most one of margin, share, rho and epsilon; none of them is the policy's default share. A margin is one
    number for every count, or an object {name of a statistic: margin}; ``margin_at`` rows of a group are what a mean's is for."""

    project: Name
    dataset: Name
    sql: Annotated[str, StringConstraints(min_length=1, max_length=2_000_000)]
    codelists: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")], Codes] = Field(
        default_factory=dict, max_length=20, json_schema_extra={"additionalProperties": False}
    )
    margin: Margin | Margins | None = None
    margin_at: Margin | None = None
    share: Share | None = None
    rho: Amount | None = None
    epsilon: Amount | None = None
    fresh: StrictBool = False
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""

    @model_validator(mode="after")
    def _fits(self) -> QuestionIn:
        if sum(given is not None for given in (self.margin, self.share, self.rho, self.epsilon)) > 1:
            raise ValueError("give one of margin, share, rho and epsilon")
        if self.margin_at is not None and not isinstance(self.margin, dict):
            raise ValueError("margin_at stands beside a margin by name")
        if any(len(codes) > 5_000 for codes in self.codelists.values()):
            raise ValueError("a code list has at most 5,000 codes")
        if any(given is not None and given * UNIT < 1 for given in (self.rho, self.epsilon)):
            raise ValueError("the least charge is 0.000000000001")
        return self

    def request(self) -> Request:
        """The same, as the road takes it."""
        return Request(
            project=self.project,
            dataset=self.dataset,
            sql=self.sql,
            asking=Asking(
                share=None if self.share is None else Fraction(self.share),
                rho=None if self.rho is None else int(self.rho * UNIT),
                epsilon=None if self.epsilon is None else int(self.epsilon * UNIT),
                margin={name: Fraction(m) for name, m in self.margin.items()} if isinstance(self.margin, dict) else self.margin,
                margin_at=self.margin_at,
            ),
            codelists={name: tuple(sorted(set(codes))) for name, codes in self.codelists.items()},
            fresh=self.fresh,
            note=self.note,
        )


class BudgetIn(Incoming):
    """A stated budget; delta 0 is pure accounting."""

    epsilon: Epsilon
    delta: Delta
    keys_delta: Delta | None = None

    @model_validator(mode="after")
    def _fits(self) -> BudgetIn:
        if self.keys_delta is not None and (self.keys_delta >= self.delta > 0 or (self.delta == 0 and self.keys_delta > 0)):
            raise ValueError("keys_delta is below delta")
        return self


def _instant(value: Any) -> Any:
    """A text: a number of seconds since 1970 is no time of RFC 3339."""
    if not isinstance(value, str | datetime.datetime):
        raise ValueError("a time such as 2026-12-31T12:00:00Z")
    return value


def _in_utc(at: datetime.datetime) -> datetime.datetime:
    try:
        return at.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError("a time between the years 1 and 9999") from None


class ApprovalIn(Incoming):
    """An approval from outside that a project stands on, until it expires."""

    kind: Name
    reference: Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")]
    expires_at: Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_in_utc)]


Approvals = Annotated[list[ApprovalIn], Field(max_length=20)]


class ProjectIn(Incoming):
    """A new project: it starts inactive, with a budget of 0, and becomes active once it has an approval."""

    id: Name
    title: Line
    dataset: Name
    purpose: Name
    legal_basis: Line
    lay_summary: Annotated[str, StringConstraints(min_length=1, max_length=5_000)]
    ends_on: datetime.date
    approvals: Approvals = Field(default_factory=list)


class ProjectChange(Incoming):
    """What can be changed of a project."""

    title: Line | None = None
    lay_summary: Annotated[str, StringConstraints(min_length=1, max_length=5_000)] | None = None
    ends_on: datetime.date | None = None
    approvals: Approvals | None = None
    state: Annotated[str, StringConstraints(pattern=r"^(active|inactive|closed)$")] | None = None


class MemberIn(Incoming):
    name: Name
    epsilon: Epsilon | None = None
    delta: Delta | None = None


class IdentityIn(Incoming):
    name: Name
    roles: Annotated[list[Role], Field(max_length=5)] = Field(default_factory=list)


class DecisionIn(Incoming):
    """Yes or no to what another admin proposed."""

    approve: Said
    why: Why


class HoldIn(Incoming):
    """Whether a project that is held may ask again."""

    release: Said
    why: Why


class RequestIn(Incoming):
    """A researcher's request for more budget."""

    epsilon: Amount
    delta: Delta
    why: Why


class OptOutsIn(Incoming):
    regime: Name
    nhs_numbers: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=10_000_000)]


class Problem(BaseModel):
    """RFC 9457, with our reason, a suggestion and the id to tell an admin."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    suggestion: str
    id: str
