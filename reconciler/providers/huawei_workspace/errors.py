"""What the error codes of Workspace mean for a read and for a change; pure.

The whole table isn't public, so a refusal by a code that isn't here is looked at before it is
believed: also a 404, which may mean that the disk is gone already.

Source: Workspace API reference, "Error Codes" and "DeleteDesktopVolumes"; where it says TF,
terraform-provider-huaweicloud as of 2026-08. The reading of them is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.huawei_faults import GATEWAY_CODES, Faults, Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

THROTTLES = frozenset({"APIGW.0308"})
"""The whole scope is too fast. Source: gateway codes; how Workspace says it is unverified."""

DISKS_AT_WORK = "WKS.0407"
DISKS_AT_WORK_S = 300.0
"""Source: TF waits 5 minutes and asks again: changes of one desktop's disks have to be that far
apart. It is known of adding; that deleting is answered in the same way is unverified."""

_MEANINGS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.BUSY: (
        DISKS_AT_WORK,  # TF, HTTP 400: disks of this desktop are being changed
        "WKS.00010032",  # codes, HTTP 409: what the desktop is doing denies the operation
    ),
    Meaning.REFUSED: (
        "WKS.00010099",  # TF, HTTP 400: Workspace isn't opened in this project
        "WKS.00170312",  # TF, HTTP 400: the tenant isn't known
        "WKS.00170117",  # TF, HTTP 400: the same
    ),
    Meaning.DOUBT: (
        "WKS.00000003",  # codes, HTTP 500: the database could not be asked
        "WKS.00010109",  # codes, HTTP 200: providing a desktop failed; odd for any of our calls
        "WKS.00010110",  # codes, HTTP 200: the same
        "WKS.00010306",  # codes, HTTP 200: the same
    ),
}
CODES: Mapping[str, Meaning] = {
    **GATEWAY_CODES,
    **{code: meaning for meaning, codes in _MEANINGS.items() for code in codes},
}
"""WKS.0001 isn't listed: it stands for an empty request and, on other paths, for an absent pool."""
FAULTS = Faults(
    codes=CODES,
    throttles=THROTTLES,
    pauses={DISKS_AT_WORK: DISKS_AT_WORK_S},
    doubts_unlisted=True,
)
