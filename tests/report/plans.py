"""Three plans that every format is held against: ordinary, in line, and all that can be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, cast

from reconciler.model.attachment import Attachment, AttachmentKey
from reconciler.model.call import Verb
from reconciler.model.finding import Finding, Place, Severity
from reconciler.model.plan import AcceptedDrift, Action, Change, Name, Plan, Standing, Update
from reconciler.model.record import NamedAttachment
from reconciler.planning.schedule import schedule
from reconciler.report.document import ScopeReport, plan_document
from tests.planning.building import ECS

if TYPE_CHECKING:
    from reconciler.report.document import Document

SEEN_IN = "shops/주문.yaml"


def document(*reports: ScopeReport, findings: tuple[Finding, ...] = ()) -> Document:
    """Give the document of these scopes, with the one thing fixed that changes by itself."""
    made = plan_document(reports, findings)
    cast("Document", made["reconciler"])["version"] = "0.0.0"
    return made


def told(plan: Plan, *, provider: str = "huawei-ecs", simulated: bool = True) -> ScopeReport:
    """Give what is told of a scope whose plan this is."""
    return ScopeReport(
        plan=plan,
        schedule=schedule(plan, ECS),
        seconds=24.0,
        provider=provider,
        simulated=simulated,
        memory="journal",
        call_s=dict.fromkeys(Verb, 8.0),
        notices=("changes may be made until 04:00",) if plan.released else (),
    )


def ordinary() -> Document:
    """Give a plan of a move, a batch of detaches, an attach and an update."""
    scope = "shop"
    there, left = key("web-1", "one", scope), key("web-2", "one", scope)
    moved = replace(
        change(Action.MOVE, "web-1", "one", scope=scope),
        source=left,
        source_server="web-2",
        before=Attachment(key=left),
        wanted=Attachment(key=there, device="/dev/vdc"),
        reason="wanted here, and its old place is owned",
        needs=(left,),
        place=place(12, "    web-1: {volumes: [{volume: one, device: /dev/vdc}]}", 23),
        precondition={"volume": {"status": "in-use", "shareable": False}},
    )
    batch = [change(Action.DETACH, server, "shared", scope=scope) for server in ("db-2", "db-3")]
    arriving = change(Action.ATTACH, "db-1", "log", scope=scope)
    two = key("web-2", "two", scope)
    updated = replace(
        change(Action.UPDATE, "web-2", "two", scope=scope),
        before=Attachment(key=two, delete_on_termination=True),
        wanted=Attachment(key=two, delete_on_termination=False),
        updates=(Update(attribute="delete_on_termination", before="true", after="false"),),
        reason="set otherwise",
    )
    plan = Plan(
        scope=scope,
        changes=(
            replace(arriving, reason="wanted and not attached"),
            *(replace(one, shareable=True) for one in batch),
            moved,
            updated,
        ),
        kept=(key("db-1", "shared", scope),),
        unmanaged=(row("db-3", "stray"),),
        owned=(key("db-1", "shared"),),
    )
    return document(told(plan))


def in_line() -> Document:
    """Give a plan with nothing to do."""
    kept = key("web-1", "one", "shop")
    plan = Plan(scope="shop", kept=(kept,), owned=(key("web-1", "one"),))
    return document(told(plan, simulated=False))


def key(server: str, volume: str, scope: str = "주문") -> AttachmentKey:
    """Give a key by two names."""
    return AttachmentKey(scope, f"id-{server}", f"id-{volume}")


def place(line: int, text: str, column: int = 3) -> Place:
    """Give a place in a manifest."""
    return Place(file=SEEN_IN, line=line, column=column, text=text)


def change(
    action: Action, server: str, volume: str, *findings: Finding, scope: str = "주문"
) -> Change:
    """Give a line of a plan; with findings it is refused."""
    there = key(server, volume, scope)
    return Change(
        action=action,
        key=there,
        name=Name(server=server, volume=volume),
        reason="its row is owned and doesn't list it",
        before=None if action is Action.ATTACH else Attachment(key=there),
        wanted=Attachment(key=there) if action is Action.ATTACH else None,
        standing=Standing.REFUSED if findings else Standing.PERMITTED,
        refusals=findings,
    )


def finding(code: str, summary: str) -> Finding:
    """Give a diagnostic of the scope."""
    return Finding(code=code, summary=summary, hint="look at the entry", scope="주문")


def row(server: str, volume: str) -> NamedAttachment:
    """Give an attachment by its names."""
    return NamedAttachment(
        server_id=f"id-{server}", volume_id=f"id-{volume}", server=server, volume=volume
    )


def troubled() -> Document:
    """Give a plan of wide names in which something of everything stands in the way."""
    line = '    웹-1: {volumes: ["데이터-1", 数据盘]}'
    held = replace(
        finding("held-by-unmanaged", "`数据盘` is on `数据库-1`, whose row nobody owns"),
        place=place(7, line, 1 + line.index("数据盘")),
        also=(place(11, "    数据库-1: {others: keep, volumes: []}", 5),),
    )
    moving = replace(finding("in-motion", "`캐시` is being attached"), severity=Severity.NOTE)
    unclear = replace(finding("views-disagree", "storage doesn't show it"), place=place(9, ""))
    loose = replace(finding("policy-looser", "maxDetach grew"), severity=Severity.WARNING)
    wanted = change(Action.ATTACH, "웹-1", "数据盘", held)
    lost = change(Action.DESTROY, "desk-1", "old-disk")
    still = change(Action.KEEP, "웹-1", "캐시", moving)
    hidden = change(Action.KEEP, "db-2", "spool", unclear)
    changes = (
        replace(wanted, place=place(7, line, 1 + line.index("数据盘"))),
        replace(lost, place=place(21, "      absent: [old-disk]")),
        change(Action.DETACH, "웹-2", "로그"),
        replace(still, standing=Standing.IN_MOTION),
        replace(hidden, standing=Standing.UNKNOWN),
    )
    restore = change(Action.DETACH, "db-9", "tmp-restore")
    plan = Plan(
        scope="주문",
        changes=changes,
        kept=(key("웹-1", "데이터-1"),),
        accepted=(AcceptedDrift(change=restore, until=date(2026, 12, 1), reason="INC-1234"),),
        unmanaged=(row("legacy-1", "legacy-data"),),
        released=(row("웹-3", "옛날"),),
        owned=(key("웹-1", "데이터-1"),),
        findings=(held, moving, unclear, loose),
    )
    return document(
        told(plan, provider="huawei-workspace"),
        told(_stopped(), simulated=False),
        findings=(replace(finding("cloud", "the listing failed: HTTP 503"), scope="far"),),
    )


def _stopped() -> Plan:
    """Give the plan of a scope of which a guard holds everything back."""
    whole = finding("max-detach", "12 detaches, 10 are allowed")
    whole = replace(whole, scope="stopped", place=place(3, ""))
    held = change(Action.DETACH, "web-9", "nine", whole, scope="stopped")
    return Plan(scope="stopped", changes=(held,), findings=(whole,), refusals=(whole,))


PLANS = {"ordinary": ordinary, "in-line": in_line, "troubled": troubled}


def wide(count: int) -> Document:
    """Give a plan of very many changes: every fifth moves, the others come or go."""
    servers = [f"node-{n:04}" for n in range(count // 4)]
    changes = []
    for n in range(count):
        action = (Action.ATTACH, Action.DETACH, Action.ATTACH, Action.DETACH, Action.MOVE)[n % 5]
        made = change(action, servers[n % len(servers)], f"disk-{n:05}")
        source = servers[(n * 7 + 3) % len(servers)]
        if action is Action.MOVE:
            left = key(source, f"disk-{n:05}")
            made = replace(made, wanted=Attachment(key=made.key), before=Attachment(key=left))
            made = replace(made, source=left, source_server=source)
        changes.append(made)
    return document(told(Plan(scope="주문", changes=tuple(sorted(changes, key=lambda c: c.key)))))
