"""Who may ask, for which purpose, until when: identities and their roles, projects and their members, exemptions from opt-outs,
holds after faults.

Promises that a token is kept as its digest only, that a revoked identity and a held project, or one with a lapsed approval, ask
nothing from that moment, and that a project one does not belong to looks like one that does not exist. Knows no question.
"""

from __future__ import annotations

from tre.projects.exemptions import Exemption
from tre.projects.exemptions import any_over as exemptions_over
from tre.projects.exemptions import ended as exemption_ended
from tre.projects.holds import add_fault, hold, release_hold
from tre.projects.identities import Identity, identities, identity, make_identity, renew, revoke, set_roles, who
from tre.projects.outside import OutsideApproval, approvals_of
from tre.projects.permits import Permit, belongs, permit
from tre.projects.project import Project, change, create, every, get, loosens, members, of, repurpose, set_members

__all__ = [
    "Exemption",
    "Identity",
    "OutsideApproval",
    "Permit",
    "Project",
    "add_fault",
    "approvals_of",
    "belongs",
    "change",
    "create",
    "every",
    "exemption_ended",
    "exemptions_over",
    "get",
    "hold",
    "identities",
    "identity",
    "loosens",
    "make_identity",
    "members",
    "of",
    "permit",
    "release_hold",
    "renew",
    "repurpose",
    "revoke",
    "set_members",
    "set_roles",
    "who",
]
