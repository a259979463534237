"""What the templates ask of GitHub, as its REST pages say it; a token may write or not.

Source: docs.github.com/en/rest (2022-11-28), Issues, Issue comments, Pull requests of a commit,
Workflow runs of a workflow, Artifacts of a repository; only the members that the templates read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

REPOSITORY = "ops/attachments"
READS, WRITES = "reads", "writes"
"""Two tokens."""


@dataclass
class Hub:
    """Comments, issues, pull requests and runs of one repository."""

    comments: list[dict[str, object]] = field(default_factory=list)
    issues: list[dict[str, object]] = field(default_factory=list)
    pulls: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    """By commit."""
    runs: list[dict[str, object]] = field(default_factory=list)
    artifacts: list[dict[str, object]] = field(default_factory=list)

    def app(self) -> Starlette:
        """Give what answers."""
        paths = {
            "/issues/{number:int}/comments": self._commenting,
            "/issues/comments/{number:int}": self._edited_comment,
            "/issues": self._raising,
            "/issues/{number:int}": self._edited_issue,
            "/commits/{sha}/pulls": self._pulls_of,
            "/actions/artifacts": self._artifacts_of,
            "/actions/workflows/attachments.yml/runs": self._runs_of,
        }
        every = ["GET", "POST", "PATCH"]
        return Starlette(
            routes=[Route(f"/repos/{REPOSITORY}{p}", a, methods=every) for p, a in paths.items()]
        )

    async def _commenting(self, asked: Request) -> JSONResponse:
        number = asked.path_params["number"]
        if asked.method == "GET":
            return _told(asked, [one for one in self.comments if one["issue"] == number])
        body = (await asked.json())["body"]
        made = {
            "id": len(self.comments) + 1,
            "issue": number,
            "body": body,
            "user": {"type": "Bot"},
        }
        return _written(asked, self.comments, made)

    async def _edited_comment(self, asked: Request) -> JSONResponse:
        return await _edited(asked, self.comments, "id")

    async def _raising(self, asked: Request) -> JSONResponse:
        if asked.method == "GET":
            label, wanted = asked.query_params["labels"], asked.query_params["state"]
            fits = [i for i in self.issues if i["state"] == wanted and i["labels"] == [label]]
            return _told(asked, fits)
        made = {"number": len(self.issues) + 1, "state": "open", **await asked.json()}
        return _written(asked, self.issues, made)

    async def _edited_issue(self, asked: Request) -> JSONResponse:
        return await _edited(asked, self.issues, "number")

    async def _pulls_of(self, asked: Request) -> JSONResponse:
        return _told(asked, self.pulls.get(asked.path_params["sha"], []))

    async def _artifacts_of(self, asked: Request) -> JSONResponse:
        fits = [one for one in self.artifacts if one["name"] == asked.query_params["name"]]
        return _told(asked, {"total_count": len(fits), "artifacts": fits[::-1]})

    async def _runs_of(self, asked: Request) -> JSONResponse:
        told = asked.query_params
        fits = [
            run
            for run in self.runs
            if (run["head_sha"], run["event"]) == (told["head_sha"], told["event"])
            and told["status"] in {run["conclusion"], "completed"}
        ]
        return _told(asked, {"total_count": len(fits), "workflow_runs": fits[::-1]})


def _may(asked: Request, *tokens: str) -> bool:
    return asked.headers.get("authorization") in {f"Bearer {token}" for token in tokens}


def _told(asked: Request, answer: object) -> JSONResponse:
    return JSONResponse(answer) if _may(asked, READS, WRITES) else _refused()


def _written(
    asked: Request, rows: list[dict[str, object]], made: dict[str, object]
) -> JSONResponse:
    if not _may(asked, WRITES):
        return _refused()
    rows.append(made)
    return JSONResponse(made, 201)


async def _edited(asked: Request, rows: list[dict[str, object]], key: str) -> JSONResponse:
    if not _may(asked, WRITES):
        return _refused()
    found = [row for row in rows if row[key] == asked.path_params["number"]]
    found[0].update(await asked.json())
    return JSONResponse(found[0])


def _refused() -> JSONResponse:
    return JSONResponse({"message": "Resource not accessible by integration"}, 403)
