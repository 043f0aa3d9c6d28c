"""Equal questions, one form: the plan by which a release is found again.

Promises that the form asks exactly what the plan asks, and that plans which differ only in how they are written have one form:
the order and nesting of conditions, `NOT NOT`, `> 5` for `>= 6`, BETWEEN, IN of one, values listed twice or outside the domain;
the names of tables, sub-queries and their columns; conditions inside a sub-query or beside it; the order of joins; columns that
nobody reads. The names of the answer's columns and their order belong to the answer's bytes, so they stay. When in doubt, forms
differ.
"""

from tre.plan.canonical.form import canonical_form

__all__ = ["canonical_form"]
