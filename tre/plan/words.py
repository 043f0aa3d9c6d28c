"""The words of the language, and the words of SQL that it does not have, each with its reason and its mend.

Never decides by itself what a plan may hold: the
tree is read by `parse` from its own closed list.
"""

from __future__ import annotations

from typing import NamedTuple

from tre.errors import Reason


class Told(NamedTuple):
    """A refusal in waiting; ``{word}`` is the token of the question."""

    reason: Reason
    detail: str
    suggestion: str


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


SHAPE = "A question reads: SELECT keys, COUNT(*) AS n FROM table WHERE … GROUP BY keys."
CTE_MEND = "Write it as a CTE of each person and join it: WITH a AS (SELECT person, … GROUP BY person) … JOIN a USING (person)."
LANGUAGE = words(
    "SELECT FROM WHERE GROUP BY AS AND OR NOT IN BETWEEN IS NULL TRUE FALSE DISTINCT DATE COUNT CODELIST"
    " WITH JOIN INNER LEFT OUTER ON USING EXISTS HAVING ORDER ASC DESC LIMIT"
    " CASE WHEN THEN ELSE END LIKE INTERVAL EXTRACT FILTER WITHIN ROLLUP CUBE GROUPING SETS"
)
_FUNCTIONS = words(
    "YEAR QUARTER MONTH DAY ISODOW DATE_PART DATE_TRUNC DATE_DIFF DATE_SUB AGE_AT BAND CLAMP LEAST GREATEST ABS COALESCE NULLIF"
    " IF IIF"
)
_STATISTICS = words(
    "COUNT SUM AVG MEAN MEAN_OF_PERSONS VAR VARIANCE VAR_POP STDDEV STDDEV_POP MEDIAN QUANTILE QUANTILE_CONT QUANTILE_DISC"
    " PERCENTILE_CONT PERCENTILE_DISC PROPORTION RATE_PER_1000"
    " MIN MAX BOOL_OR ANY BOOL_AND ARG_MIN ARG_MAX ARGMIN ARGMAX MIN_BY MAX_BY"
)
CALLED_NAMES = _FUNCTIONS | _STATISTICS | {"EXTRACT", "FILTER"}  # the calls that can stand in each other
AGGREGATED = frozenset(word.lower() for word in _STATISTICS)  # calls over many rows: at the top, or of one person's
# What may stand before an opening bracket.
CALLS = (
    _FUNCTIONS
    | _STATISTICS
    | words(
        "CODELIST SELECT FROM WHERE BY AND OR NOT IN BETWEEN DISTINCT AS JOIN ON USING EXISTS HAVING CASE WHEN THEN ELSE LIKE"
        " INTERVAL EXTRACT FILTER GROUP ROLLUP CUBE SETS"
    )
)
FUNCTIONS = frozenset({*(word.lower() for word in _FUNCTIONS), *_STATISTICS, "codelist"})  # as they are written in a hint
SIGNS = words("( ) , . * ; = == <> != < <= > >= + - / // =>")


def _all(words: str, reason: Reason, detail: str, suggestion: str) -> dict[str, Told]:
    return dict.fromkeys(words.split(), Told(reason, detail, suggestion))


_NOT_OFFERED, _FUNCTION = Reason.STATEMENT_NOT_OFFERED, Reason.FUNCTION_NOT_OFFERED
CALLED = Told(
    _FUNCTION,
    "The function {word} is not offered.",
    "There are statistics, COUNT SUM AVG MEDIAN …, and year(date), date_sub('year', a, b), band(x, width), CASE.",
)

STATEMENTS = _all(
    "INSERT UPDATE DELETE MERGE REPLACE CREATE DROP ALTER TRUNCATE RENAME COMMENT COPY EXPORT IMPORT ATTACH DETACH"
    " USE PRAGMA SET RESET"
    " LOAD INSTALL UNINSTALL CALL EXECUTE EXEC PREPARE DEALLOCATE BEGIN START COMMIT ROLLBACK ABORT SAVEPOINT"
    " CHECKPOINT VACUUM ANALYZE"
    " ANALYSE OPTIMIZE CACHE UNCACHE DESCRIBE SHOW EXPLAIN SUMMARIZE GRANT REVOKE KILL LOCK REFRESH DECLARE"
    " DO VALUES TABLE FORCE",
    _NOT_OFFERED, "{word} is not offered: a question only reads.", SHAPE,
)  # fmt: skip

REFUSED: dict[str, Told] = {
    **_all(
        "CROSS NATURAL SEMI ANTI ASOF POSITIONAL STRAIGHT_JOIN LATERAL UNNEST APPLY", _NOT_OFFERED,
        "This kind of join is not offered ({word}).",
        "There are JOIN and LEFT JOIN … ON a.person = b.person, and EXISTS (SELECT 1 FROM … WHERE a.person = b.person).",
    ),
    **_all("RIGHT", _NOT_OFFERED, "RIGHT JOIN is not offered.", "Exchange the two sides: b LEFT JOIN a ON a.person = b.person."),
    **_all(
        "FULL", _NOT_OFFERED, "FULL JOIN is not offered.",
        "Begin with the table that has every person, then LEFT JOIN the others.",
    ),
    **_all(
        "RECURSIVE MATERIALIZED", _NOT_OFFERED, "{word} is not offered in WITH.", "Write WITH a AS (SELECT person, … ) SELECT …",
    ),
    **_all(
        "UNION INTERSECT EXCEPT MINUS", _NOT_OFFERED, "{word} is not offered.",
        "Ask the questions one by one, or use OR, EXISTS and NOT EXISTS in WHERE.",
    ),
    **_all("ANY SOME", _NOT_OFFERED, "{word} is not offered.", "Compare with values, or write EXISTS (SELECT 1 FROM … WHERE …)."),
    **_all("ALL", _NOT_OFFERED, "{word} is not offered.", "Name keys one by one, GROUP BY 1, 2; or write NOT EXISTS (SELECT …)."),
    **_all("OFFSET FETCH TOP FIRST NULLS", _NOT_OFFERED, "{word} is not offered.", "Write ORDER BY n DESC LIMIT 10."),
    **_all(
        "OVER PARTITION WINDOW QUALIFY ROWS RANGE PRECEDING FOLLOWING EXCLUDE", _NOT_OFFERED, "Windows are not offered ({word}).",
        "Of one person's rows take ARG_MIN(x, date) or ARG_MAX(x, date) in a sub-query that groups by person.",
    ),
    **_all(
        "TABLESAMPLE SAMPLE", _NOT_OFFERED, "Samples are not offered: they would not lower the charge.",
        "Ask of the whole table.",
    ),
    **_all("PIVOT UNPIVOT PIVOT_WIDER", _NOT_OFFERED, "{word} is not offered.", "Name the keys in GROUP BY."),
    **_all("FOR INTO RETURNING SETTINGS FORMAT", _NOT_OFFERED, "{word} is not offered: a question only reads.", SHAPE),
    **_all("IGNORE RESPECT", _NOT_OFFERED, "{word} is not offered.", "NULL does not count in a statistic."),
    **_all(
        "IF IIF", _FUNCTION, "{word} stands without a bracket.", "Write if(condition, a, b) or CASE WHEN … THEN a ELSE b END.",
    ),
    **_all(
        "CAST TRY_CAST SAFE_CAST TRY_CONVERT CONVERT ::", _FUNCTION, "Conversions are not offered ({word}).",
        "Write values in the column's own form: 1980, 'F', DATE '2024-01-31'.",
    ),
    **_all(
        "ILIKE SIMILAR GLOB REGEXP RLIKE ESCAPE COLLATE", _FUNCTION, "This kind of pattern is not offered ({word}).",
        "Write column LIKE 'A1%', or list the values: column IN ('a', 'b').",
    ),
    **_all(
        "% || & ^ ~ << >> DIV MOD XOR OVERLAPS OPERATOR", _FUNCTION, "This arithmetic is not offered ({word}).",
        "There are + - * // of numbers and dates, and + - * / of statistics.",
    ),
    **_all("| ! @ # -> ->>", _FUNCTION, "The sign {word} is not offered.", "Comparisons are = <> < <= > >=."),
    **_all("[ ] { }", _FUNCTION, "Lists in brackets are not offered.", "Write column IN ('a', 'b')."),
    **_all("? $ :", _NOT_OFFERED, "Parameters are not offered ({word}).", "Write the value in its place."),
    **_all("ISNULL NOTNULL", _NOT_OFFERED, "{word} is not offered.", "Write column IS NULL or column IS NOT NULL."),
    **_all(
        "CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_SCHEMA CURRENT_CATALOG CURRENT_ROLE LOCALTIME"
        " LOCALTIMESTAMP SESSION_USER",
        _FUNCTION, "{word} is not offered: the same question must ask the same tomorrow.", "Write the date: DATE '2024-01-31'.",
    ),
    **_all("MAP STRUCT ARRAY ROW LAMBDA COLUMNS", _FUNCTION, "{word} is not offered.", SHAPE),
}  # fmt: skip

_STATISTIC = Reason.STATISTIC_NOT_OFFERED
AGGREGATES: dict[str, Told] = {
    **_all(
        "MODE MAD APPROX_TOP_K LIST ARRAY_AGG STRING_AGG GROUP_CONCAT LISTAGG STRINGAGG PRODUCT EVERY BIT_AND BIT_OR BIT_XOR"
        " BITSTRING_AGG COVAR_POP COVAR_SAMP CORR REGR_SLOPE REGR_INTERCEPT REGR_R2 REGR_COUNT REGR_AVGX REGR_AVGY ENTROPY"
        " KURTOSIS KURTOSIS_POP SKEWNESS FSUM SUMKAHAN KAHAN_SUM FAVG GEOMETRIC_MEAN GEOMEAN WEIGHTED_AVG SEM",
        _STATISTIC, "The statistic {word} is not offered.", "There are COUNT SUM AVG VAR STDDEV MEDIAN QUANTILE PROPORTION.",
    ),
    **_all(
        "STDDEV_SAMP VAR_SAMP", _STATISTIC, "The sample form {word} is not offered.",
        "VAR and STDDEV are of the population (VAR_POP, STDDEV_POP): at these numbers of rows they are the same.",
    ),
    **_all(
        "HISTOGRAM HISTOGRAM_EXACT", _STATISTIC, "{word} is not offered as a statistic.",
        "Count in bands: SELECT band(x, 10) AS x_from, COUNT(*) … GROUP BY 1.",
    ),
    **_all("COUNT_IF COUNTIF", _STATISTIC, "{word} is not offered.", "Write COUNT(*) FILTER (WHERE condition)."),
    **_all("COUNT_STAR", _STATISTIC, "{word} is not offered.", "Write COUNT(*)."),
    **_all(
        "APPROX_COUNT_DISTINCT", _STATISTIC, "{word} is not offered.", "COUNT(DISTINCT person) counts persons; others are keys.",
    ),
    **_all("APPROX_QUANTILE RESERVOIR_QUANTILE", _STATISTIC, "{word} is not offered.", "Write quantile(x, 0.9)."),
    **_all(
        "ANY_VALUE ARBITRARY FIRST LAST", _STATISTIC, "{word} is not offered: which row it takes is not said.",
        "In a sub-query that groups by person take ARG_MIN(x, date) or ARG_MAX(x, date).",
    ),
}  # fmt: skip

_ONE_PERSON = "is of one person's rows: at the top it would be the value of a single person"
_IN_A_SUB_QUERY = "Write it in a sub-query that groups by person, and ask a statistic of it."
# Of one person's rows only: what is said of each at the top.
NOT_AT_THE_TOP = {
    "MIN": (_ONE_PERSON, "Ask a low quantile, quantile(x, 0.05), or take MIN in a sub-query that groups by person."),
    "MAX": (_ONE_PERSON, "Ask a high quantile, quantile(x, 0.95), or take MAX in a sub-query that groups by person."),
    **dict.fromkeys(("BOOL_OR", "ANY", "BOOL_AND"), (_ONE_PERSON, "Ask COUNT(*) FILTER (WHERE …) or PROPORTION(condition).")),
    **dict.fromkeys(("ARG_MIN", "ARG_MAX", "ARGMIN", "ARGMAX", "MIN_BY", "MAX_BY"), (_ONE_PERSON, _IN_A_SUB_QUERY)),
}

# Functions that exist only over a window.
WINDOWED = words("ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE FILL")
# Words of the lists above that are ordinary functions where a bracket follows.
ALSO_FUNCTIONS = words("RIGHT FORMAT RANGE REPLACE")
