"""All cases, in the order in which they are printed."""

from __future__ import annotations

from tests.hostile.answers import ANSWERS
from tests.hostile.manifests import MANIFESTS
from tests.hostile.states import STATES

CASES = (*MANIFESTS, *STATES, *ANSWERS)
