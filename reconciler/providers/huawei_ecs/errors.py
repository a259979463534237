"""What the error codes of ECS and EVS mean for a read and for a change; pure.

Source: ECS API reference, "Error Codes"; EVS API reference, "Error Codes"; the column "what to do"
of these pages is the vendor's, the reading of it is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.huawei_faults import GATEWAY_CODES, Faults, Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

THROTTLES = frozenset({"APIGW.0308", "Common.0024", "Common.1503"})
"""The whole scope is too fast. Common.0024 comes with HTTP 202.

Source: gateway codes (0308), ECS codes (Common.*)."""

ANOTHER_COMMAND = "Ecs.0603"
ANOTHER_COMMAND_S = 60.0
"""Source: ECS codes, Ecs.0603 (HTTP 501): "try again in 1 minute"."""

_MEANINGS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.BUSY: (
        *sorted(THROTTLES),
        ANOTHER_COMMAND,
        "Ecs.0301",  # ECS codes: querying the server failed, before anything was asked of it
        "Ecs.1100",  # ECS codes: IAM failed, before anything was asked of the server
        "EVS.2409",  # not in a table; terraform-provider-huaweicloud tries it again
    ),
    # ECS codes; the CSI driver takes it for success as well.
    Meaning.PRESENT: ("Ecs.0057",),
    # ECS codes; 0111 is no attachment, 0114 and 0614 (HTTP 404) are no server.
    Meaning.ABSENT: ("Ecs.0111", "Ecs.0114", "Ecs.0614"),
    Meaning.DOUBT: (
        "Ecs.0002",  # ECS codes: submission failed, which doesn't say where
        "Ecs.0205",  # ECS codes: attaching failed, usually told by the job
        "Ecs.0611",  # ECS codes: a batch failed, maybe in part
        "Ecs.0617",  # ECS codes: changing a disk's attribute failed
        "Ecs.1000",  # ECS codes: Nova failed; itemNotFound inside is told apart before
        "Ecs.1001",  # ECS codes: OpenStack error
        "Ecs.1002",  # ECS codes: OpenStack timed out, the outcome isn't known
        "Ecs.1300",  # ECS codes: EVS timed out
        "Common.0001",  # ECS codes: system error
        "Common.0020",  # ECS codes: trying a job again failed
        "Common.0021",  # ECS codes: asking after a job failed, or a sub-job did
        "Common.0022",  # ECS codes: submitting a job failed
        "Common.0025",  # ECS codes: asking after a job failed
        "Common.0026",  # ECS codes: the region of a job could not be read
        "Common.0999",  # ECS codes: a job ended early
        "EVS.2001",  # EVS codes: submission failed
        "EVS.2002",  # EVS codes: system unavailable
        "EVS.2005",  # EVS codes: connection trouble
        "EVS.2007",  # EVS codes: writing metadata timed out
        "EVS.2023",  # EVS codes: connection timed out
        "EVS.2131",  # EVS codes: asking after the server failed
        "EVS.2134",  # EVS codes: ECS failed to attach
        "EVS.5500",  # EVS codes: internal error
        "EVS.5503",  # EVS codes: not available
    ),
    Meaning.DENIED: (
        "Common.0013",  # ECS codes: invalid token
        "Common.0018",  # ECS codes: another project's credentials
        "EVS.5401",  # EVS codes: authentication required
    ),
    # Listed because their HTTP status may say something else, or because it is tempting to wait.
    Meaning.REFUSED: (
        "Ecs.0003",  # ECS codes: the account is restricted
        "Ecs.0100",  # ECS codes: the server is neither running nor stopped, or is changing
        "Ecs.0102",  # ECS codes: the disk's status doesn't permit a detach
        "Ecs.0103",  # ECS codes: the disk isn't available: elsewhere, attaching, frozen
        "Ecs.0104",  # ECS codes: no free slot
        "Ecs.0107",  # ECS codes: the shared disk has all its servers
        "Ecs.0118",  # ECS codes: too many servers in a batch
        "Ecs.0605",  # ECS codes: the server is locked
        "EVS.2021",  # EVS codes, HTTP 500: the volume is error_detaching
        "EVS.2024",  # EVS codes, HTTP 500: the volume is in error
        "EVS.2068",  # EVS codes: the volume is locked
    ),
}
CODES: Mapping[str, Meaning] = {
    **GATEWAY_CODES,
    **{code: meaning for meaning, codes in _MEANINGS.items() for code in codes},
}
FAULTS = Faults(codes=CODES, throttles=THROTTLES, pauses={ANOTHER_COMMAND: ANOTHER_COMMAND_S})
