"""The door: HTTP in and out, who is asking, models of what comes in, problems of what is refused, and the public pages.

Promises one table from reason to status and that unknown fields are refused. Decides nothing: each call is one call of a road.
"""

from tre.web.app import make_app

__all__ = ["make_app"]
