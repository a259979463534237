"""Answers that are broken, that lie or that never end: refused or looked at, never a wrong write.

Every case asks for an attach of `three` to web-1 (or says what else). What is broken are the
listings (`PAGE`), the looks by id (`LOOK`), the answers to a change or the questions after a job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hostile import liar, tells
from tests.hostile.case import Case
from tests.hostile.liar import Lie, body, changed
from tests.hostile.writing import LOOSE, REAL, WORLD, rows

if TYPE_CHECKING:
    from tests.hostile.liar import Tell

APPLY = ("apply", "-f", "lab.yaml", "--auto-approve", "--first-apply")
VOLUMES = "GET /v2/p/cloudvolumes/detail"
SERVERS = "GET /v1/p/cloudservers/detail"
EITHER = "GET */detail"
WRITE = "POST *"
JOB = "GET */jobs/*"
ATTACH = "servers: {web-1: {volumes: [one, three]}, web-2: {volumes: [two]}}"
MEASURED_MB = 256
KEEP = "servers: {web-1: {volumes: [one]}, web-2: {volumes: [two]}}"
ATTACHED = ("/cloudservers/s-1/attachvolume",)
HTML = "<html>Log in</html>"
BRISK = REAL.replace("region:", "limits: {stepTimeout: 40s}, region:")
"""So that what never tells its end is given up soon."""


def _case(  # noqa: PLR0913 - a table's row is what has many columns
    name: str,
    exit_code: int,
    codes: str,
    *lies: Lie,
    says: tuple[str, ...] = (),
    wish: str = ATTACH,
    paths: tuple[str, ...] = (),
    world: str = WORLD,
    hurry: float = 50,
    most_mb: float = 128,
    most_s: float = 3,
    most_reads: int = 60,
) -> Case:
    return Case(
        name=name,
        verb=APPLY,
        exit=exit_code,
        codes=frozenset(codes.split()),
        text=rows(wish, BRISK) + LOOSE,
        world=world,
        lies=lies,
        socket=True,
        says=says,
        paths=paths,
        hurry=hurry,
        most_mb=most_mb,
        most_s=most_s,
        most_reads=most_reads,
        heavy=most_mb > MEASURED_MB,
    )


def _unreadable(
    name: str, tell: Tell, *, match: str = VOLUMES, says: str = "", **more: float
) -> Case:
    hurry, most_mb = more.get("hurry", 50), more.get("most_mb", 128)
    told = (says,) if says else ()
    return _case(
        name, 4, "scope-unreadable", Lie(match, tell), says=told, hurry=hurry, most_mb=most_mb
    )


BROKEN = (
    _unreadable("volumes in truncated JSON", liar.halved, says="not the documented JSON"),
    _unreadable("servers in truncated JSON", liar.halved, match=SERVERS),
    _unreadable("a page of HTML with 200", body(HTML, kind="text/html"), says="Log in"),
    _unreadable("an empty body with 200", body("")),
    _unreadable("JSON that is a list", body("[]")),
    _unreadable("JSON that is null", body("null")),
    _unreadable("JSON of something else", body('{"count": 0}')),
    _unreadable("a volume's status twice", tells.doubled("status")),
    _unreadable("a server's id twice", tells.doubled("id"), match=SERVERS),
    _unreadable("the count twice", tells.doubled("count")),
    _unreadable("a size that is NaN", tells.sized("NaN")),
    _unreadable("a size that is Infinity", tells.sized("-Infinity")),
    _unreadable("a size that is 1e999", tells.sized("1e999")),
    _unreadable("a size of 5,000 digits", tells.sized("9" * 5000)),
    _unreadable("100,000 nested brackets in JSON", body("[" * 100_000)),
    _unreadable("JSON that isn't UTF-8", body(b'{"volumes": [{"id": "\xff"}]}')),
    _unreadable("JSON in UTF-16", body('{"count": 0, "volumes": []}'.encode("utf-16"))),
    _unreadable("a volume called `..`", liar.replaced('"v-3"', '".."')),
    _unreadable("a volume id that ends a query's quote", liar.replaced('"v-3"', "\"v-3','v-1\"")),
    _unreadable("a server id that is a path", liar.replaced('"s-2"', '"../s-1"'), match=SERVERS),
    _unreadable("a volume without an id", liar.replaced('"v-3"', '""')),
    _unreadable("gzip that is none", tells.encoded(b"gzip"), says=" answer: "),
    _unreadable("an encoding that nobody asked for", tells.encoded(b"br"), says="nobody asked for"),
    _unreadable("a body that drips for ever", liar.dripping, says=" answer: ", hurry=200),
    _unreadable("a body that stops", liar.silent, says=" answer: ", hurry=200),
    _unreadable("rows without an end", liar.endless, says="longer than 67108864", most_mb=512),
    _unreadable("10 GB in gzip", liar.inflating(10), says="longer than 67108864", most_mb=512),
)


def _incomplete(
    name: str, tell: Tell, match: str = VOLUMES, says: str = "", also: str = "", reads: int = 60
) -> Case:
    codes, told = f"incomplete-listing {also}", (says,) if says else ()
    return _case(name, 3, codes, Lie(match, tell), says=told, most_reads=reads)


MANY = 1200


def _many() -> str:
    volumes = "".join(f"  - {{id: w-{n:04}, name: w{n}, az: a}}\n" for n in range(MANY))
    return WORLD.replace("attachments:", f"{volumes}attachments:")


MOVE = "servers: {web-1: {volumes: [one, two]}, web-2: {volumes: []}}"
LISTINGS = (
    _incomplete(
        "a listing cut short",
        tells.paged(changed(tells.cutting)),
        says="1 of 5 volumes",
        also="entry-refused volume-not-found",
    ),
    _incomplete(
        "servers cut short",
        tells.paged(changed(tells.cutting)),
        SERVERS,
        says="1 of 2 servers",
        also="foreign server-not-found",
    ),
    _incomplete("a count that is too high", tells.paged(tells.counted(1)), says="5 of 6 volumes"),
    _incomplete("a count of a million million", tells.paged(tells.counted(10**12)), reads=450),
    _incomplete("no count", tells.paged(changed(tells.uncounting)), says="doesn't say how many"),
    _incomplete(
        "a row twice and another one lost",
        tells.paged(changed(tells.replacing)),
        says="4 of 5 volumes",
    ),
    _case("a row twice", 0, "", Lie(EITHER, tells.paged(changed(tells.doubling))), paths=ATTACHED),
    _case(
        "a listing in another order",
        0,
        "",
        Lie(EITHER, tells.paged(changed(tells.reversing))),
        paths=ATTACHED,
    ),
    _case(
        "a count that is too low",
        0,
        "",
        Lie(VOLUMES, tells.paged(tells.counted(-3))),
        paths=ATTACHED,
    ),
    _case(
        "pages without an end",
        3,
        "incomplete-listing",
        world=WORLD
        + "faults: {rules: [{match: 'GET */detail', always: true, listing: endless}]}\n",
        most_mb=160,
    ),
    _case(
        "a page that is left out",
        3,
        "incomplete-listing",
        world=_many()
        + "faults: {rules: [{match: 'GET *cloudv*', always: true, listing: drop-page}]}\n",
    ),
    _case(
        "a volume lost between pages, the count kept; it stays where it is",
        0,
        "",
        Lie(VOLUMES, tells.paged(changed(tells.losing("v-1")))),
        wish=KEEP,
        world=_many(),
        most_s=4,
    ),
    _case(
        "a volume lost between pages, not wanted any more",
        0,
        "",
        Lie(VOLUMES, tells.paged(changed(tells.losing("v-1")))),
        wish="servers: {web-1: {volumes: []}, web-2: {volumes: [two]}}",
        world=_many(),
        paths=("/s-1/detachvolume/v-1",),
        most_s=4,
    ),
    _case(
        "a server lost between pages, its volume wanted elsewhere",
        3,
        "held-by-unmanaged",
        Lie(SERVERS, tells.paged(changed(tells.losing("s-2")))),
        wish="servers: {web-1: {volumes: [one, two]}}",
    ),
    _case(
        "both views stale: another server has the volume by now, and keeps it",
        3,
        "storage-only",
        Lie(EITHER, tells.paged(changed(tells.freeing("v-2")))),
        wish="servers: {web-1: {volumes: [one, two]}}",
    ),
    _case(
        "both views stale: it is attached already",
        0,
        "",
        Lie(EITHER, tells.paged(changed(tells.freeing("v-1")))),
        wish=KEEP,
    ),
    _case(
        "both views stale: what shall leave has left",
        0,
        "",
        Lie(EITHER, tells.paged(changed(tells.holding))),
        wish=KEEP,
    ),
    _case(
        "one view stale: it is looked at by id",
        0,
        "",
        Lie(VOLUMES, tells.paged(changed(tells.freeing("v-1")))),
        wish=KEEP,
    ),
    _case(
        "the other view stale: it is looked at by id",
        0,
        "",
        Lie(SERVERS, tells.paged(changed(tells.holding))),
        wish=KEEP,
    ),
)


def _unlooked(name: str, tell: Tell, match: str = EITHER, most_mb: float = 128) -> Case:
    """Break the looks that tell what became of a change: its end isn't known, and that is said."""
    return _case(
        name,
        4,
        "",
        Lie(match, tells.looked(tell)),
        says=("0 failed, 1 unknown",),
        paths=ATTACHED,
        most_mb=most_mb,
        most_s=12,
    )


def _undecided(name: str, tell: Tell) -> Case:
    """Break the looks at what the views don't agree on: nothing is done."""
    stale, broken = (
        Lie(VOLUMES, tells.paged(changed(tells.freeing("v-1")))),
        Lie(EITHER, tells.looked(tell)),
    )
    return _case(name, 4, "scope-unreadable", stale, broken, wish=KEEP)


LOOKS = (
    _unlooked("looks after a change in truncated JSON", liar.halved),
    _unlooked("looks after a change in HTML", body(HTML)),
    _unlooked("looks after a change with a member twice", tells.doubled("status")),
    _unlooked(
        "looks after a change that show nothing", changed(lambda told: tells.rows_of(told).clear())
    ),
    _unlooked("looks after a change of 10 GB", liar.inflating(10), VOLUMES, most_mb=512),
    _undecided("looks before a plan in truncated JSON", liar.halved),
    _undecided("looks before a plan with a member twice", tells.doubled("id")),
    _case(
        "looks before a plan that are cut",
        3,
        "incomplete-listing server-not-found volume-not-found",
        Lie(VOLUMES, tells.paged(changed(tells.freeing("v-1")))),
        Lie(EITHER, tells.looked(changed(lambda told: tells.rows_of(told).clear()))),
        wish=KEEP,
    ),
)


def _write(name: str, tell: Tell, **more: float) -> Case:
    """Make an accepted change's answer unreadable: it is looked at, and found to be done."""
    return _case(
        name,
        0,
        "",
        Lie(WRITE, tell),
        paths=ATTACHED,
        most_mb=more.get("most_mb", 128),
        hurry=more.get("hurry", 50),
    )


def _job(name: str, tell: Tell) -> Case:
    """Make what is told of a job unreadable: the views tell what became of it."""
    return _case(name, 0, "", Lie(JOB, tell), paths=ATTACHED)


NOTHING_DONE = "faults: {rules: [{match: 'POST *', always: true, answer: %s, effect: none}]}\n"
CHANGES = (
    _write("a 2xx without a job id", body("{}")),
    _write("a 2xx with an empty job id", body('{"job_id": ""}')),
    _write("a job id twice", tells.doubled("job_id")),
    _write("a job id that is a path", body('{"job_id": "../../v1"}')),
    _write("a job that nobody knows", body('{"job_id": "nobody"}')),
    _write("a change answered with HTML", body(HTML, kind="text/html")),
    _write("a change answered in truncated JSON", liar.halved),
    _write("a change answered with 10 GB", liar.inflating(10), most_mb=512),
    _write("a change answered by drips", liar.dripping, hurry=200),
    _case(
        "a change answered with HTML, and not made",
        4,
        "",
        world=WORLD + NOTHING_DONE % "html",
        # Asked again after looks have shown that nothing was done.
        paths=ATTACHED * 3,
    ),
    _job("a job with an unknown status", body('{"status": "PONDERING", "job_id": "j"}')),
    _job("a job with its status twice", tells.doubled("status")),
    _job("a job in HTML", body(HTML)),
    _job("a job in truncated JSON", liar.halved),
    _job("a job that fails, though it was done", liar.replaced("SUCCESS", "FAIL")),
    _job("a job with a NaN", body('{"status": "RUNNING", "x": NaN}')),
    _case(
        "a job that says SUCCESS, and nothing was done",
        4,
        "",
        world=WORLD + "faults: {rules: [{match: 'POST *', always: true, job: false-success}]}\n",
        paths=ATTACHED,
    ),
)

ANSWERS = (*BROKEN, *LISTINGS, *LOOKS, *CHANGES)
