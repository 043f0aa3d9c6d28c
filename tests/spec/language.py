"""Makes `docs/language.md` from the cases of the spec and of the refusals: `python -m tests.spec.language`.

Sentences, examples and answers are the cases', which are executed. What one person can change is `tre.plan.bound`'s, what an
example costs is `tre.plan.price`'s, refusals are the parser's own words: nothing of these is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from tests.plan.offers import CATALOGUE as SAMPLE
from tests.plan.offers import CODELISTS
from tests.refusals.test_refusals import FILES, cases, refusal
from tests.spec.cases import CATALOGUE, CONSTRUCTS, FOLDER, WORLD, Case, read
from tre.loss import budget
from tre.plan import sets
from tre.plan.bound import sensitivities
from tre.plan.measures import measured
from tre.plan.nodes import Domain, Plan
from tre.plan.parse.functions import USAGE
from tre.plan.price import Quote, quote
from tre.plan.words import LANGUAGE
from tre.terms import Asking
from tre.vault.cells import shown

PAGE = FOLDER.parents[1] / "docs" / "language.md"
STATED = budget(Decimal(1), Decimal("1e-6"))
SHARE = Fraction(1, 100)

# The order of the page: chapter → the constructs, each a file of `constructs/`.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "Counting": ("count-persons", "count-rows", "objected"),
    "Conditions": ("where", "in-between-like", "codelist", "nulls"),
    "Joins": ("join", "left-join", "same-table-twice"),
    "Sub-queries of each person": (
        "grouped-by-the-person", "with", "distinct", "having-of-a-person", "of-one-person", "first-and-last",
        "number-of-a-person",
    ),
    "EXISTS and IN": ("exists", "not-exists", "person-in"),
    "Values of a row": (
        "arithmetic", "dates", "completed", "parts-of-a-date", "date-trunc", "age-at", "band", "clamp", "least-greatest", "case",
        "coalesce",
    ),
    "Statistics": ("sum", "mean", "mean-of-persons", "spread", "quantiles", "proportion", "rate", "filter", "bound"),
    "Keys": ("keys", "keys-of-rows", "discovered-keys", "mixed-keys"),
    "Totals": ("rollup", "cube", "grouping-sets"),
    "What is done with shown numbers": ("figures", "having-order-limit", "statistics-not-shown"),
}  # fmt: skip

OPENING = """# What can be asked

*Made from the tests by `python -m tests.spec.language`: every example is executed, every number on this page is computed.*

A question is one `SELECT`: statistics of groups of people, of tables that the dataset's policy describes.

```
[WITH name AS (SELECT person, … GROUP BY person), …]
SELECT keys, statistics FROM table [JOIN …] [WHERE …] [GROUP BY keys] [HAVING …] [ORDER BY …] [LIMIT n]
```

**The one rule.** Everything below the top is about each person by themselves: joins are on the person, sub-queries carry the
person, and no row of one person is compared with a row of another. What breaks the rule is refused, before any record is
read and at no charge, with the reason's name and a way to mend it.

**What comes back.** Every number has noise, stated as the column's `scale`, and a 95 % interval, `n_low` to `n_high`. The
interval is about the noise alone: of values that were clamped and rows that were bounded it covers what was counted so. A
quantile has no interval of its value; the preview says how far its rank may be off. A row whose noisy number of people is
below the policy's threshold is hidden whole (`suppressed`), and so are rows from which a hidden one could be taken. Counts
are rounded to the policy's base after the noise. The examples below are without noise and with nothing hidden.

**Bounds.** Each column has a range in the policy, and what is computed of it has the range that follows: a value outside
counts as the nearer end. Of one person at most `max_rows` rows count in one group: of more each weighs less, so that
together they count as that many. `bound => n` asks for fewer. Of one person at most `max_groups` groups count where keys are
of the row. These bounds decide *what one person can change*, and with it the noise: narrower ranges, fewer rows and keys of
the person buy accuracy for nothing.

**NULL.** A comparison with NULL is not true, NULL does not count in a statistic of a value, and is a key of its own. `NOT
IN` and `NOT EXISTS` have no surprise in them: they are about rows that exist.

**Time.** Dates are days, without a time and without a zone. There is no today: a question asks the same tomorrow.

**Cost.** A question is charged once for all its noisy numbers, which share the charge equally: with twice as many each has
√2 times the noise at the same charge. The number of people in each group is always one of them. Numbers that are the same
are drawn once. An example's *n ×* is the number of its noisy numbers; its scale is that of the number of people at a
hundredth of (1, 1e-6).
"""


def page() -> str:
    """The whole text."""
    parts = [OPENING, *_world()]
    for chapter, names in CHAPTERS.items():
        parts.append(f"## {chapter}\n")
        parts += [_construct(name) for name in names]
    parts += [*_functions(), *_refusals()]
    return "\n".join(parts)


def _world() -> Iterator[str]:
    world = read(WORLD)
    yield "## The people of the examples\n"
    for name, lines in world.lines.items():
        offer = CATALOGUE.tables[name]
        caps = "One row a person" if offer.one_row_per_person else f"`max_rows` {offer.max_rows}, `max_groups` {offer.max_groups}"
        cap = "" if offer.one_row_per_person else f", at most {offer.row_cap} rows of one person"
        yield f"`{name}`. {caps}{cap}.\n"
        yield _table([line.split("|") for line in lines])
        yield _table(
            [
                ["column", "range", "keys"],
                *([at, domain_text(column.domain), column.keys or "-"] for at, column in offer.columns.items()),
            ]
        )


def domain_text(domain: Domain) -> str:
    """The values that a domain has."""
    null = " or NULL" if domain.nullable else ""
    if domain.kind == "code":
        return f"codes{null}"
    if domain.kind == "category":
        return ", ".join(f"'{value}'" for value in domain.values) + null
    if domain.kind == "boolean":
        return f"true or false{null}"
    low, high = (shown(domain, end) for end in domain.ends)
    steps = f" in steps of {domain.stride * Decimal(domain.grid)}" if domain.grid != "1" or domain.stride > 1 else ""
    period = f", {domain.period}s" if domain.kind == "date" and domain.period != "day" else ""
    return f"{domain.kind}s {low} to {high}{steps}{period}{null}"


def _table(rows: list[list[str]]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *body = [[cell.strip() for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell or " " for cell in line) + " |" for line in lines) + "\n"


def _construct(name: str) -> str:
    case = read(CONSTRUCTS / f"{name}.txt")
    plan = case.plan
    parts = [f"### {_title(name)}\n", case.says + "\n", f"```sql\n{_broken(case.question)}\n```\n"]
    if case.codelists:
        parts.append(f"`listed` holds {', '.join(f'`{code}`' for code in case.codelists['listed'])}.\n")
    if case.objected:
        parts.append(f"Person {', '.join(map(str, case.objected))} objected.\n")
    parts += [_answer(case), _domains(plan), f"{_sensitivity(plan)} {_cost(plan)}\n"]
    return "\n".join(parts)


def _title(name: str) -> str:
    """Words of SQL in capitals, the first letter a capital."""
    told = " ".join(word.upper() if word.upper() in LANGUAGE and word in _LOUD else word for word in name.split("-"))
    return told[0].upper() + told[1:]


_LOUD = {
    "where",
    "between",
    "like",
    "with",
    "case",
    "exists",
    "filter",
    "rollup",
    "cube",
    "having",
    "limit",
    "distinct",
    "in",
    "order",
    "join",
    "left",
}


_CLAUSE = re.compile(r"[()]|(?<= )(?:FROM|WHERE|GROUP BY|HAVING|ORDER BY|SELECT|JOIN|LEFT OUTER JOIN|INNER JOIN)\b")


def _broken(question: str) -> str:
    """One clause a line."""
    depth, lines, last = 0, [], 0
    for found in _CLAUSE.finditer(question):
        if found[0] in "()":
            depth += 1 if found[0] == "(" else -1
        elif depth == 0 and not (found[0] == "JOIN" and question[: found.start()].endswith(("OUTER ", "INNER "))):
            lines.append(question[last : found.start()].rstrip())
            last = found.start()
    return "\n".join([*lines, question[last:]])


MOST_ROWS = 9


def _answer(case: Case) -> str:
    names = list(case.plan.output)
    rows = [[row[name] for name in names] for row in case.answer]
    more = f"\n… and {len(rows) - MOST_ROWS} rows more.\n" if len(rows) > MOST_ROWS else ""
    return _table([names, *rows[:MOST_ROWS]]) + more


def _domains(plan: Plan) -> str:
    """What each column is, and which values it is of."""
    lines = []
    for key in plan.keys:
        kind = "discovered key" if key.discovered else "public key"
        lines.append(f"`{key.alias}`: {kind}, {domain_text(key.column.domain)}")
    for one in plan.statistics:
        of = f" of {domain_text(one.value.domain)}" if one.value is not None and one.kind != "rows" else ""
        lines.append(f"`{one.alias}`: {one.kind}{of}" + (f", the {one.q} quantile" if one.q else ""))
    lines += [f"`{figure.alias}`: a figure of shown numbers" for figure in plan.figures]
    return "*Columns.* " + "; ".join(lines) + ".\n"


def _sensitivity(plan: Plan) -> str:
    """Computed by `tre.plan.bound` for the plan that ran."""
    told = []
    for measure, bound in zip(measured(plan).measures, sensitivities(plan), strict=True):
        unit = {"centred": " half steps", "sum": " steps", "square": " parts of a square", "ranks": " of a rank's score"}
        told.append(f"{measure.kind} {bound.cell:,}{unit.get(measure.kind, '')} ({_many(bound.k, 'row')})")
    groups = sensitivities(plan)[0].groups
    return f"*One person changes* at most {_many(groups, 'group')}, in each: {'; '.join(told)}."


def _cost(plan: Plan) -> str:
    """Computed by `tre.plan.price`."""
    found = _quote(plan)
    told = f"*Costs* {len(found.draws)} ×; the number of people has scale {found.draws[0].scale:.1f}."
    if found.selection is not None:
        told += f" A group is given from {found.threshold} people on."
    if len(plan.sets) > 1:
        free = "the totals are added up for nothing" if sets.added(plan) else "each has noise of its own"
        told += f" {len(plan.sets)} grouping sets: {free}."
    return told


def _quote(plan: Plan) -> Quote:
    return quote(plan, STATED, Asking(share=SHARE), SHARE, rounding=5, threshold=10)


def _many(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


# ------------------------------------------------------------------------------------------------------------------- functions
def _functions() -> Iterator[str]:
    yield "## Functions of a row\n"
    yield _table(
        [["function", "is written"], *([f"`{name}`", f"`{_code_part(usage)}`{_rest(usage)}"] for name, usage in USAGE.items())]
    )


def _code_part(usage: str) -> str:
    return usage.partition(", which")[0]


def _rest(usage: str) -> str:
    _, which, rest = usage.partition(", which")
    return which + rest


# -------------------------------------------------------------------------------------------------------------------- refusals
TITLES = {
    "statements": "Statements", "clauses": "Clauses", "joins": "Joins", "sub-queries": "Sub-queries", "persons": "Across people",
    "names": "Names", "values": "Values", "scalars": "Values of a row", "functions": "Functions",
    "figures": "Statistics, keys and what is done with shown numbers", "characters": "Characters",
}  # fmt: skip


def _refusals() -> Iterator[str]:
    yield "## What is refused, and how to mend it\n"
    yield (
        f"Asked of the sample dataset `{SAMPLE.dataset}` with its {len(CODELISTS)} code lists. Of questions that are refused"
        " alike one stands here; all are in `tests/refusals/`.\n"
    )
    files = {path.stem: path for path in FILES}
    for stem, title in TITLES.items():
        yield f"### {title}\n"
        yield _table([["question", "reason", "why", "mend"], *_alike(cases(files[stem]))])


def _alike(found: list[tuple[str, str]]) -> list[list[str]]:
    """One row for each mend."""
    rows: dict[tuple[str, str], list[str]] = {}
    for sql, _ in found:
        told = refusal(sql)
        if (told.reason, told.suggestion) not in rows and len(sql) <= 200:
            row = [_code(sql), f"`{told.reason}`", _cell(told.detail), _cell(told.suggestion)]
            rows[told.reason, told.suggestion] = row
    return list(rows.values())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _code(sql: str) -> str:
    """In a table a bar is escaped, code that holds a backtick has two around it, what is not ASCII is written as its number."""
    shown = "".join(each if each.isascii() and each.isprintable() else f"\\u{ord(each):04x}" for each in sql).replace("|", "\\|")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
