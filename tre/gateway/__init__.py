"""The road of a question, written once: asked, permitted, parsed, restricted, reserved, answered, sealed, published.

Promises the order of the steps, that every question has one outcome in the log, and that nothing anyone can see changes between
the reservation and the release time. Holds no rule of its own: each rule is a room's.
"""

from tre.gateway.gateway import Gateway
from tre.gateway.outcomes import Cancelled, Faulted, Outcome, Pending, Refused, Released

__all__ = ["Cancelled", "Faulted", "Gateway", "Outcome", "Pending", "Refused", "Released"]
