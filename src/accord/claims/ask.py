"""What can be asked for a term of a claim; the answers are made where the verbs are (``accord.api.claim_verbs``)."""

from __future__ import annotations

from typing import Protocol

from accord.catalog.claim import Claim, Term
from accord.claims.quantity import Quantity


class Answers(Protocol):
    """Whoever knows the quantities that terms stand for."""

    def quantity(self, term: Term, claim: Claim) -> Quantity:
        """Return what a term stands for; claim: whose sources a cited number names.

        Raises CatalogError, whose text begins with a key of the term, for a term that asks for nothing there is; a
        Refusal where the answer is no or not known.
        """
        ...
