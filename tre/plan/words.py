"""The words of the language, and the words of SQL that it does not have, each with its reason and its mend.


 later part of the language moves its words from the second list to the first. Never decides by itself what a plan may hold: the
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


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


LANGUAGE = _words("SELECT FROM WHERE GROUP BY AS AND OR NOT IN BETWEEN IS NULL TRUE FALSE DISTINCT DATE COUNT CODELIST")
# What may stand before an opening bracket.
CALLS = _words("COUNT CODELIST SELECT FROM WHERE BY AND OR NOT IN BETWEEN DISTINCT")
SIGNS = _words("( ) , . * ; = == <> != < <= > >= -")

_SHAPE = "A question reads: SELECT keys, COUNT(*) AS n FROM patients WHERE … GROUP BY keys."


def _all(words: str, reason: Reason, detail: str, suggestion: str) -> dict[str, Told]:
    return dict.fromkeys(words.split(), Told(reason, detail, suggestion))


_NOT_OFFERED, _FUNCTION = Reason.STATEMENT_NOT_OFFERED, Reason.FUNCTION_NOT_OFFERED
CALLED = Told(_FUNCTION, "The function {word} is not offered.", "COUNT and codelist are what can be called.")

STATEMENTS = _all(
    "INSERT UPDATE DELETE MERGE REPLACE CREATE DROP ALTER TRUNCATE RENAME COMMENT COPY EXPORT IMPORT ATTACH DETACH"
    " USE PRAGMA SET RESET"
    " LOAD INSTALL UNINSTALL CALL EXECUTE EXEC PREPARE DEALLOCATE BEGIN START COMMIT ROLLBACK ABORT SAVEPOINT"
    " CHECKPOINT VACUUM ANALYZE"
    " ANALYSE OPTIMIZE CACHE UNCACHE DESCRIBE DESC SHOW EXPLAIN SUMMARIZE GRANT REVOKE KILL LOCK REFRESH DECLARE"
    " DO VALUES TABLE FORCE",
    _NOT_OFFERED, "{word} is not offered: a question only reads.", _SHAPE,
)  # fmt: skip

REFUSED: dict[str, Told] = {
    **_all(
        "JOIN CROSS NATURAL INNER LEFT RIGHT FULL OUTER SEMI ANTI ASOF POSITIONAL STRAIGHT_JOIN LATERAL UNNEST APPLY ON USING",
        _NOT_OFFERED, "Joins are not offered yet ({word}).", "Ask of one table that has one row per person.",
    ),
    **_all(
        "WITH RECURSIVE MATERIALIZED", _NOT_OFFERED, "Sub-queries in WITH are not offered yet.",
        "Ask of a table of the catalogue."
    ),
    **_all(
        "UNION INTERSECT EXCEPT MINUS", _NOT_OFFERED, "{word} is not offered.",
        "Ask the questions one by one, or use OR in WHERE.",
    ),
    **_all("EXISTS ANY SOME ALL", _NOT_OFFERED, "{word} is not offered yet.",
    "Compare columns with values; name keys one by one."),
    **_all(
        "HAVING", _NOT_OFFERED, "HAVING is not offered yet.", "Choose among the groups of the release; they cost nothing more.",
    ),
    **_all(
        "ORDER LIMIT OFFSET FETCH TOP FIRST ASC DESC NULLS", _NOT_OFFERED, "{word} is not offered yet.",
        "Sort and cut the release; every group is in it.",
    ),
    **_all(
        "OVER PARTITION WINDOW QUALIFY ROWS RANGE PRECEDING FOLLOWING"
        " EXCLUDE", _NOT_OFFERED, "Windows are not offered ({word}).",
        "Count groups with GROUP BY.",
    ),
    **_all(
        "TABLESAMPLE SAMPLE", _NOT_OFFERED, "Samples are not offered: they would not lower the charge.",
        "Ask of the whole table.",
    ),
    **_all(
        "PIVOT UNPIVOT PIVOT_WIDER ROLLUP CUBE GROUPING SETS", _NOT_OFFERED, "{word} is not offered yet.",
        "Name the keys in GROUP BY.",
    ),
    **_all("FOR INTO RETURNING SETTINGS FORMAT", _NOT_OFFERED, "{word} is not offered: a question only reads.", _SHAPE),
    **_all(
        "FILTER WITHIN IGNORE RESPECT", _NOT_OFFERED, "{word} beside a statistic is not offered yet.",
        "Put the condition in WHERE.",
    ),
    **_all(
        "CASE WHEN THEN ELSE END IF IIF", _FUNCTION, "{word} is not offered: a condition can stand in WHERE only.",
        "Ask for each group with its own WHERE, or with a key in GROUP BY.",
    ),
    **_all(
        "CAST TRY_CAST SAFE_CAST TRY_CONVERT CONVERT ::", _FUNCTION, "Conversions are not offered ({word}).",
        "Write values in the column's own form: 1980, 'F', DATE '2024-01-31'.",
    ),
    **_all(
        "LIKE ILIKE SIMILAR GLOB REGEXP RLIKE ESCAPE COLLATE", _FUNCTION, "Patterns are not offered ({word}).",
        "List the values: column IN ('a', 'b').",
    ),
    **_all(
        "+ / // % || & ^ ~ << >> DIV MOD XOR OVERLAPS OPERATOR", _FUNCTION, "Arithmetic is not offered yet ({word}).",
        "Compare a column with a value.",
    ),
    **_all("| ! @ # -> ->>", _FUNCTION, "The sign {word} is not offered.", "Comparisons are = <> < <= > >=."),
    **_all("[ ] { }", _FUNCTION, "Lists in brackets are not offered.", "Write column IN ('a', 'b')."),
    **_all("? $ :", _NOT_OFFERED, "Parameters are not offered ({word}).", "Write the value in its place."),
    **_all("ISNULL NOTNULL", _NOT_OFFERED, "{word} is not offered.", "Write column IS NULL or column IS NOT NULL."),
    **_all(
        "CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_SCHEMA CURRENT_CATALOG CURRENT_ROLE"
        " LOCALTIME LOCALTIMESTAMP"
        " SESSION_USER INTERVAL",
        _FUNCTION, "{word} is not offered: the same question must ask the same tomorrow.", "Write the date: DATE '2024-01-31'.",
    ),
    **_all("MAP STRUCT ARRAY ROW LAMBDA COLUMNS", _FUNCTION, "{word} is not offered.", _SHAPE),
}  # fmt: skip

_LATER = "COUNT(*) is the statistic that is offered."
AGGREGATES: dict[str, Told] = _all(
    "SUM AVG MEAN MIN MAX MEDIAN MODE MAD STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP QUANTILE"
    " QUANTILE_CONT QUANTILE_DISC"
    " PERCENTILE_CONT PERCENTILE_DISC APPROX_QUANTILE RESERVOIR_QUANTILE APPROX_COUNT_DISTINCT APPROX_TOP_K"
    " COUNT_IF COUNTIF COUNT_STAR"
    " ANY_VALUE ARBITRARY FIRST LAST LIST ARRAY_AGG STRING_AGG GROUP_CONCAT LISTAGG STRINGAGG HISTOGRAM"
    " HISTOGRAM_EXACT PRODUCT BOOL_AND BOOL_OR"
    " EVERY BIT_AND BIT_OR BIT_XOR BITSTRING_AGG COVAR_POP COVAR_SAMP CORR REGR_SLOPE REGR_INTERCEPT REGR_R2"
    " REGR_COUNT REGR_AVGX"
    " REGR_AVGY ENTROPY KURTOSIS KURTOSIS_POP SKEWNESS ARG_MIN ARG_MAX ARGMIN ARGMAX MIN_BY MAX_BY FSUM SUMKAHAN KAHAN_SUM FAVG"
    " GEOMETRIC_MEAN GEOMEAN WEIGHTED_AVG SEM",
    Reason.STATISTIC_NOT_OFFERED, "The statistic {word} is not offered yet.", _LATER,
)  # fmt: skip

# Functions that exist only over a window.
WINDOWED = _words("ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE FILL")
# Words of the lists above that are ordinary functions where a bracket follows.
ALSO_FUNCTIONS = _words("LEFT RIGHT FORMAT RANGE REPLACE")
