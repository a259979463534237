"""What the error codes of ModelArts mean for a read and for a change; pure.

Source: ModelArts API reference, "Error Codes", as Open Telekom Cloud publishes the table that all
of ModelArts shares (seen 2026-07): unverified for Lite Servers, except for the three codes marked
"seen". No code is published for a volume that doesn't exist, is in use or isn't attached, nor
for an operation that doesn't exist: so a refusal by a code that isn't listed is looked at first.

0203, 0206 and 0210 come with 400, 401 and 403 in the table and mean something else each time:
they aren't listed, and the HTTP status decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.huawei_faults import GATEWAY_CODES, Faults, Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

THROTTLES = frozenset({"APIGW.0308", "ModelArts.6101", "Common.0024", "Common.1503"})
"""The whole scope is too fast. Source: gateway codes (0308), ModelArts codes (6101, HTTP 429);
Common.* are those of other services of the vendor, unverified here."""

INITIALISING = "ModelArts.6355"
INITIALISING_S = 60.0
"""Source: ModelArts codes, ModelArts.6355: "try again one minute later"."""

ANOTHER_OPERATION = "ModelArts.6357"
ANOTHER_OPERATION_S = 60.0
"""Ours: no wait is published, and terraform-provider-huaweicloud gives operations 20 minutes."""

NO_SERVER = frozenset({"ModelArts.6404", "ModelArts.6309"})
"""There is no such Lite Server. 6404 comes with HTTP 400, also when the id is that of the server
below (`cloud_server.id`), of another project or of another region: seen, and
terraform-provider-huaweicloud takes it for "gone"."""

LOOKED_AT = frozenset(
    {
        *NO_SERVER,  # where the server is gone, a detach is done
        ANOTHER_OPERATION,  # or it is so already: the table says both in one sentence
        "ModelArts.6304",  # must be stopped
        "ModelArts.6305",  # is running already
        "ModelArts.6306",  # is starting
        "ModelArts.6307",  # is stopped already
        "ModelArts.6308",  # is stopping
        "ModelArts.6327",  # isn't running
        "ModelArts.6347",  # is in another status
        "ModelArts.7000",  # seen for one reason; nobody publishes whether it has others
    }
)
"""Refusals that don't tell whether it is so already: the views are asked before they are believed.
"""

_MEANINGS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.BUSY: (
        *sorted(THROTTLES),
        INITIALISING,
        ANOTHER_OPERATION,
        "ModelArts.6306",
        "ModelArts.6308",
    ),
    Meaning.DOUBT: (
        "ModelArts.0010",  # internal error
        "ModelArts.6100",  # HTTP 408: the request timed out
        "ModelArts.6102",  # internal error
        "ModelArts.6200",  # internal error
        "ModelArts.6361",  # HTTP 400: internal error
    ),
    Meaning.DENIED: (
        "ModelArts.0201",  # no token
        "ModelArts.0202",  # the token ended
        "ModelArts.0205",  # the token is invalid
        "ModelArts.0207",  # the token is invalid
        "ModelArts.0212",  # the token isn't a project's
    ),
    Meaning.REFUSED: (
        *sorted(NO_SERVER),
        "ModelArts.0101",  # a parameter is invalid
        "ModelArts.0104",  # the body is invalid
        "ModelArts.0107",  # a parameter is missing
        "ModelArts.6400",  # a parameter is invalid
        "ModelArts.6600",  # a parameter is invalid
        "ModelArts.0116",  # a quota is exceeded
        "ModelArts.0118",  # a quota is exceeded
        "ModelArts.6302",  # a quota is exceeded
        "ModelArts.0204",  # the token lacks the project
        "ModelArts.0108",  # HTTP 403: not authorised
        "ModelArts.0112",  # HTTP 403: not authorised
        "ModelArts.6201",  # HTTP 401 that isn't about who asks: the account is frozen
        "ModelArts.6203",  # HTTP 401 that isn't about who asks: the account is restricted
        "ModelArts.6326",  # the account is frozen
        "ModelArts.6304",
        "ModelArts.6305",
        "ModelArts.6307",
        "ModelArts.6327",
        "ModelArts.6347",
        "ModelArts.6528",  # no EVS is available
        "ModelArts.7000",  # seen: "type is BMS, does not support detach volume device"
    ),
}
CODES: Mapping[str, Meaning] = {
    **GATEWAY_CODES,
    **{code: meaning for meaning, codes in _MEANINGS.items() for code in codes},
}
FAULTS = Faults(
    codes=CODES,
    throttles=THROTTLES,
    pauses={INITIALISING: INITIALISING_S, ANOTHER_OPERATION: ANOTHER_OPERATION_S},
    doubts_unlisted=True,
)
