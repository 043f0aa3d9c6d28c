"""A worker that lies, run as a script: answers a prepare honestly and an order with whatever bytes it was given."""

from __future__ import annotations

import json
import sys
import time

from tre.sandbox import own_pipes

WIRE = own_pipes()
LIE = json.loads(sys.argv[-1])


def answer(message: dict[str, object]) -> dict[str, object]:
    if "prepare" in message:
        return {"prepared": True}
    if LIE == "sleep":
        time.sleep(60)
    return LIE


WIRE.listen(answer)
