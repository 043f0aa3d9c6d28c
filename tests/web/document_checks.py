"""Loaded by schemathesis: one check more. Where the document says that a value is taken, no field's own form is a reason to
refuse it; what two fields mean together, or what they name, may be."""

from __future__ import annotations

import json
import re

import schemathesis
from schemathesis.generation import GenerationMode

FIELD = re.compile(r"(?:^|; )(?:body|query|path|header)\.")


@schemathesis.check
def no_field_is_refused_that_the_document_takes(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    meta = case.meta
    if response.status_code == 422 and meta is not None and meta.generation.mode == GenerationMode.POSITIVE:
        detail = json.loads(response.content).get("detail", "")
        assert not FIELD.search(detail), f"the document takes what was refused: {detail}"
    return None
