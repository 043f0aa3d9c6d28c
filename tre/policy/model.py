"""The policy as frozen values. What exists is complete, bounded and closed; nothing that opens one is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tre.policy.fields import BOUND, INT32, Name, Number, Text, Truth, Whole, plain
from tre.terms import canonical, digest

Bound = Annotated[
    int | Decimal | date, PlainSerializer(lambda bound: plain(bound) if isinstance(bound, Decimal) else bound, when_used="always")
]
Regime = Literal["type-1", "national", "local"]
REGIMES: tuple[Regime, ...] = ("type-1", "national", "local")
# Names the store, the language or the source use for the person and for its own columns.
RESERVED = {"person", "nhs_number", "pseudonym", "rank", "id"}


DatasetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]


class Strict(BaseModel):
    """Frozen; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


class ColumnPolicy(Strict):
    """What a column can hold and whether groups may be made of it: `public` keys all appear, `discovered` ones cost delta."""

    type: Literal["category", "integer", "decimal", "date", "code"]
    keys: Literal["public", "discovered"] | None = None
    values_from: Annotated[str, Field(pattern=r"^codelists/[a-z0-9-]+\.csv$")] | None = None
    values: tuple[Annotated[str, Field(min_length=1, max_length=120)], ...] = ()
    min: Bound | None = None
    max: Bound | None = None
    grid: Number | None = None
    nullable: Truth = False
    level: Literal["organisation"] | None = None
    description: Text
    source: Text

    @field_validator("min", "max", mode="before")
    @classmethod
    def _bound(cls, bound: Any, info: ValidationInfo) -> Any:
        parse = BOUND.get(info.data.get("type", ""))
        return parse(bound) if parse else bound

    @field_validator("values")
    @classmethod
    def _values(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) != len(values):
            raise ValueError("a value is listed twice; remove one")
        if any(value != value.strip() or not value.isprintable() for value in values):
            raise ValueError("a value begins or ends with a space or cannot be printed; write it without")
        if len(values) > 65_535:
            raise ValueError("more than 65,535 values; use type code with keys discovered")
        return values

    @field_validator("grid")
    @classmethod
    def _grid(cls, grid: Decimal | None) -> Decimal | None:
        if grid is not None and grid <= 0:
            raise ValueError("a grid step is above 0; write such as 0.1")
        if grid is not None and grid % Decimal("1e-6"):
            raise ValueError("a grid step has at most six decimals; choose a wider one")
        return grid

    @model_validator(mode="after")
    def _whole(self) -> Self:
        {"category": self._category, "code": self._code}.get(self.type, self._range)()
        if self.keys == "public" and self.level == "organisation":
            raise ValueError("an organisation is not a public key; write keys: discovered or leave keys out")
        return self

    def _category(self) -> None:
        if not self.values:
            raise ValueError("a category lists its values; add values or values_from")
        if (self.min, self.max, self.grid) != (None, None, None):
            raise ValueError("a category has values, not bounds; remove min, max and grid")
        self._not_discovered()

    def _code(self) -> None:
        if self.values or (self.min, self.max, self.grid) != (None, None, None):
            raise ValueError("a code has no values and no bounds; remove them or use type category")
        if self.keys == "public":
            raise ValueError("a code has no public list, its keys cannot be public; write keys: discovered or use type category")

    def _range(self) -> None:
        if self.min is None or self.max is None:
            raise ValueError(f"bounds missing; add min and max to this {self.type}")
        if self.values:
            raise ValueError(f"a {self.type} has bounds, not values; remove values")
        if (self.grid is None) == (self.type == "decimal"):
            raise ValueError("a decimal has a grid step, others have none; add grid: 0.1 or remove it")
        if self.min > self.max:  # type: ignore[operator]
            raise ValueError("min is above max; exchange them")
        self._fits()
        self._not_discovered()

    def _fits(self) -> None:
        step = self.grid or Decimal(1)
        for bound in (self.min, self.max):
            if isinstance(bound, date) or bound is None:
                continue
            if bound % step:
                raise ValueError("a bound is not a multiple of the grid step; choose min and max on the grid")
            if abs(bound / step) > INT32:
                raise ValueError("a bound is beyond 32 bits in grid steps; narrow the bounds or widen the grid")

    def _not_discovered(self) -> None:
        if self.keys == "discovered":
            raise ValueError("only codes have discovered keys; write keys: public or leave keys out")


class TablePolicy(Strict):
    """A table: one row per person, or many rows with the bounds on one person's rows.

    ``max_rows``: rows of one person that count in one group; ``max_groups``: groups one person can be in where keys are not the
    person's own; ``row_cap``: rows of one person kept at load.
    """

    description: Text
    one_row_per_person: Truth = False
    max_rows: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    max_groups: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    row_cap: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1
    columns: Annotated[Mapping[Name, ColumnPolicy], Field(min_length=1)]

    @field_validator("columns")
    @classmethod
    def _columns(cls, columns: Mapping[str, ColumnPolicy]) -> Mapping[str, ColumnPolicy]:
        taken = RESERVED & set(columns)
        if taken:
            raise ValueError(f"{min(taken)} is the person's or the store's own name, not a column; remove or rename it")
        return columns

    @model_validator(mode="before")
    @classmethod
    def _caps(cls, fields: Any) -> Any:
        caps = {"max_rows", "max_groups", "row_cap"}
        if not isinstance(fields, Mapping):
            return fields
        given = caps & set(fields)
        if str(fields.get("one_row_per_person", "false")).lower() == "true":
            if any(str(fields[cap]) != "1" for cap in given):
                raise ValueError(f"a table with one row per person has no caps; remove {', '.join(sorted(given))}")
        elif given != caps:
            missing = ", ".join(sorted(caps - given))
            raise ValueError(f"bounds missing; add {missing}, or one_row_per_person: true")
        return fields

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.max_rows > self.row_cap:
            raise ValueError("max_rows is above row_cap; one person never has more rows than row_cap")
        return self


class LifetimeCap(Strict):
    """The promise over all projects, fixed before the first question."""

    epsilon: Annotated[Number, Field(gt=0, le=100)]
    delta: Annotated[Number, Field(gt=0, le=Decimal("1e-5"))]


class PersonSource(Strict):
    """The identifier in the source's rows and how it is checked. It never enters the store."""

    column: Name
    check: Literal["nhs-number", "none"]


class Disclosure(Strict):
    """The small-number rules."""

    threshold: Annotated[Whole, Field(ge=5, le=10_000)]
    rounding: Annotated[Whole, Field(ge=1, le=1_000)]
    max_rows_out: Annotated[Whole, Field(ge=1, le=1_000_000)]


class Accounting(Strict):
    """Default charge of a question and the public bounds on its time."""

    default_share: Annotated[Number, Field(gt=0, le=1)]
    quantum_ms: Annotated[Whole, Field(ge=100, le=60_000)]
    deadline_s: Annotated[Whole, Field(ge=1, le=3_600)]
    queue: Annotated[Whole, Field(ge=1, le=100_000)]
    faults_before_hold: Annotated[Whole, Field(ge=1, le=20)]


class PublishedSize(Strict):
    """The published number of persons, and of the rows of tables where it is known: release times are chosen from them, never
    from the records."""

    persons: Annotated[Whole, Field(ge=1)]
    rows: Mapping[Name, Annotated[Whole, Field(ge=1)]] = Field(default_factory=dict)
    source: Text


class OptOuts(Strict):
    """How old a delivered list may be (21 days is the hard limit), who is left out under the national regime, and after how many
    days without a delivery somebody is told.

    ``national``: with check-service, whoever is not on its newest list of people without an opt-out, and whoever objected here;
    with objections, the latter alone: for persons who have no NHS number, or are outside the NHS.
    """

    max_list_age_days: Annotated[Whole, Field(ge=1, le=21)]
    national: Literal["check-service", "objections"] = "check-service"
    alarm_after_days: Annotated[Whole, Field(ge=1, le=21)] = 3


class PurposePolicy(Strict):
    """A class of purposes and the opt-out regimes that apply to it."""

    regimes: Annotated[tuple[Regime, ...], Field(min_length=1)]
    exemption_required: Truth = False

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if len(set(self.regimes)) != len(self.regimes):
            raise ValueError("a regime is listed twice; remove one")
        if set(self.regimes) != set(REGIMES) and not self.exemption_required:
            raise ValueError(
                "an opt-out regime is left out without an exemption; list all three or write exemption_required: true"
            )
        return self


class DatasetPolicy(Strict):
    """Everything a dataset is asked under. ``digest`` covers all of it, the purposes and the code lists.

    ``population``: the people that it is about, where that is not told by its own name: datasets of one population answer under
    one set of opt-outs.
    """

    dataset: DatasetName
    population: DatasetName | None = None
    title: Text
    controller: Text
    lifetime_cap: LifetimeCap
    max_persons: Annotated[Whole, Field(ge=1, le=INT32)]
    privacy_unit: Literal["person"]
    person_source: PersonSource
    tables: Annotated[Mapping[Name, TablePolicy], Field(min_length=1)]
    birth: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")] | None = None
    disclosure: Disclosure
    accounting: Accounting
    published_size: PublishedSize
    opt_outs: OptOuts
    _rules: str = PrivateAttr(default="")

    @field_validator("population")
    @classmethod
    def _population(cls, population: str | None, info: ValidationInfo) -> str | None:
        """The dataset's own name says what is so without it."""
        return None if population == info.data.get("dataset") else population

    @field_validator("tables")
    @classmethod
    def _tables(cls, tables: Mapping[str, TablePolicy], info: ValidationInfo) -> Mapping[str, TablePolicy]:
        if "persons" in tables or "excluded" in tables or any(name.startswith("codes_") for name in tables):
            raise ValueError("persons, excluded and codes_ are the store's own names; rename the table")
        source: PersonSource | None = info.data.get("person_source")
        if source and any(source.column in table.columns for table in tables.values()):
            raise ValueError(f"{source.column} names the person, it cannot be a column; remove it")
        for name, table in tables.items():
            if info.data.get("max_persons", 1) * table.max_rows * max(map(_reach, table.columns.values())) >= 2**62:
                raise ValueError(f"sums over table {name} do not fit 64 bits; lower max_persons, max_rows or the bounds")
        return tables

    @field_validator("birth")
    @classmethod
    def _birth(cls, birth: str | None, info: ValidationInfo) -> str | None:
        """The column that `age_at` reads: one of each person, a year or a day."""
        tables: Mapping[str, TablePolicy] = info.data.get("tables", {})
        name, _, column = (birth or "").partition(".")
        if birth is None or not tables:
            return birth
        if name not in tables or column not in tables[name].columns:
            raise ValueError(f"{birth} is not a column of this policy; write table.column or leave birth out")
        if not tables[name].one_row_per_person or tables[name].columns[column].type not in ("integer", "date"):
            raise ValueError("birth is a year (integer) or a date of a table with one row per person; name such a column")
        return birth

    @field_validator("published_size")
    @classmethod
    def _published(cls, size: PublishedSize, info: ValidationInfo) -> PublishedSize:
        if size.persons > info.data.get("max_persons", INT32):
            raise ValueError("more persons than max_persons; raise max_persons")
        if not set(size.rows) <= set(info.data.get("tables", size.rows)):
            raise ValueError("rows of a table that the policy does not have; name its tables")
        return size

    @field_validator("opt_outs")
    @classmethod
    def _national(cls, opt_outs: OptOuts, info: ValidationInfo) -> OptOuts:
        source: PersonSource | None = info.data.get("person_source")
        if source and source.check == "none" and opt_outs.national == "check-service":
            raise ValueError("without an NHS number nobody is on the check service's list; write national: objections")
        return opt_outs

    @property
    def people(self) -> str:
        """The name of the people that it is about."""
        return self.population or self.dataset

    @property
    def digest(self) -> str:
        """Of everything resolved: tables, numbers, purposes, prohibited purposes, code lists. What is optional and says what is
        so without it is not part of it."""
        dataset = self.model_dump(mode="json", exclude={name for name in ("birth", "population") if getattr(self, name) is None})
        for name in ("national", "alarm_after_days"):
            if getattr(self.opt_outs, name) == OptOuts.model_fields[name].default:
                del dataset["opt_outs"][name]
        return digest(canonical({"dataset": dataset, "rules": self._rules}))

    @property
    def schema_digest(self) -> str:
        """Of the tables and the most persons: what a snapshot was loaded under."""
        tables = self.model_dump(mode="json", include={"dataset", "max_persons", "privacy_unit", "person_source", "tables"})
        return digest(canonical(tables))

    def under(self, rules: str) -> DatasetPolicy:
        """The same policy with the digest of the purposes and code lists that it is read with."""
        copy = self.model_copy()
        copy._rules = rules
        return copy


def _reach(column: ColumnPolicy) -> int:
    """The largest value of a column in grid steps."""
    if column.type not in ("integer", "decimal"):
        return 1
    step = column.grid or Decimal(1)
    return max(1, *(int(abs(bound / step)) for bound in (column.min, column.max) if isinstance(bound, int | Decimal)))
