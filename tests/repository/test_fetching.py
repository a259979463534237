"""A branch is followed over https, fast-forward only; whatever is wrong keeps what was good."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.finding import FindingsError, Place
from reconciler.model.schedule import GitSource
from reconciler.operations.asked import Request, Surroundings
from reconciler.operations.inforce import InForce, Overrides
from reconciler.repository.fetching import SIGNERS, Mirror
from tests.repository.making import commit, git
from tests.repository.serving import published, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ROWS = """\
apiVersion: reconciler/v1
kind: Scope
metadata: {{name: shop}}
spec: {{provider: huawei-ecs, region: ap-southeast-3}}
---
apiVersion: reconciler/v1
kind: Attachments
metadata: {{name: rows}}
spec: {{scope: shop, servers: {{web-1: {{volumes: [{0}]}}}}}}
"""


@dataclass(frozen=True)
class Ops:
    """A repository of manifests, and where it is served."""

    folder: Path
    url: str
    environ: Mapping[str, str]

    def commit(self, rows: str) -> str:
        """Commit and publish these manifests."""
        place = self.folder / "work" / "manifests"
        place.mkdir(parents=True, exist_ok=True)
        (place / "rows.yaml").write_text(rows, encoding="utf-8")
        made = commit(self.folder / "work")
        self.publish()
        return made

    def publish(self) -> None:
        """Publish what is committed."""
        published(self.folder / "work", self.folder / "ops.git")

    def source(self, **other: object) -> GitSource:
        """Give the source of it."""
        made = GitSource(
            url=f"{self.url}/ops.git",
            branch="main",
            path="manifests",
            signed=False,
            place=Place(file="s.yaml", line=1, column=1),
        )
        return replace(made, **other)  # type: ignore[arg-type]  # its own fields

    def mirror(self, **other: object) -> Mirror:
        """Give what follows it."""
        return Mirror(self.source(**other), self.folder / "kept", self.environ)


@pytest.fixture
def ops(tmp_path: Path) -> Iterator[Ops]:
    """Give a served repository without any commit."""
    with served(tmp_path) as (url, certificate):
        environ = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": certificate}
        yield Ops(folder=tmp_path, url=url, environ=environ)


def refused(what: Mirror) -> str:
    """Give the code by which a fetch is refused."""
    with pytest.raises(FindingsError) as error:
        what.fetch()
    return error.value.findings[0].code


def test_a_branch_is_followed_and_a_rewritten_one_is_refused(ops: Ops) -> None:
    first = ops.commit(ROWS.format("one"))
    mirror = ops.mirror()
    assert mirror.newest() is None
    assert mirror.fetch() == first
    second = ops.commit(ROWS.format("one, two"))
    assert mirror.fetch() == second
    laid = mirror.lay(second, lambda path: path.endswith(".yaml"), recursive=False)
    assert [one.name for one in laid.iterdir()] == ["rows.yaml"]
    git(ops.folder / "work", "commit", "-q", "--amend", "-m", "other words")
    ops.publish()
    assert refused(mirror) == "not-fast-forward"
    assert ops.mirror().newest() == second, "what was good stays, for the next start as well"
    mirror.forget(second)
    assert laid.exists()


UNFETCHED = {
    "a redirect": ("{url}/elsewhere/ops.git", "not-fetched"),
    "no repository": ("{url}/nothing.git", "not-fetched"),
    "a file": ("file://{folder}/ops.git", "source-address"),
    "plain http": ("http://localhost/ops.git", "source-address"),
    "a program": ("ext::sh -c true", "source-address"),
    "a password": ("https://a:b@localhost/ops.git", "source-address"),
    "a flag": ("--upload-pack=true", "source-address"),
}


@pytest.mark.parametrize(("address", "code"), UNFETCHED.values(), ids=UNFETCHED)
def test_what_is_never_fetched(ops: Ops, address: str, code: str) -> None:
    ops.commit(ROWS.format("one"))
    with pytest.raises(FindingsError) as error:
        ops.mirror(url=address.format(url=ops.url, folder=ops.folder)).fetch()
    assert error.value.findings[0].code == code


@pytest.mark.parametrize("odd", [{"branch": "-x"}, {"branch": "a..b"}, {"path": "../.."}], ids=str)
def test_branch_and_path_stay_inside(ops: Ops, odd: Mapping[str, str]) -> None:
    with pytest.raises(FindingsError):
        ops.mirror(**odd)


def test_only_signed_commits_count_where_signatures_are_asked_for(ops: Ops) -> None:
    key, signers = ops.folder / "key", ops.folder / "signers"
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a", "-f", str(key))
    subprocess.run(words, check=True, timeout=30)  # noqa: S603 - words of this test
    signers.write_text(f"a@b.example {key.with_suffix('.pub').read_text()}", encoding="utf-8")
    ops.commit(ROWS.format("one"))
    assert refused(ops.mirror(signed=True)) == "not-signed", "without a list nobody counts"
    known = replace(ops, environ={**ops.environ, SIGNERS: str(signers)})
    assert refused(known.mirror(signed=True)) == "not-signed"
    assert known.mirror(signed=True).newest() is None, "nor after a restart"
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")
    git(ops.folder / "work", *signing, "commit", "-q", "-S", "--amend", "-m", "signed")
    ops.publish()
    assert known.mirror(signed=True).fetch() == git(ops.folder / "work", "rev-parse", "HEAD")


def test_a_service_goes_by_the_last_good_commit(ops: Ops) -> None:
    first = ops.commit(ROWS.format("one"))
    path = ops.folder / "schedule.yaml"
    path.write_text(
        "apiVersion: reconciler/v1\nkind: Schedule\nmetadata: {name: s}\nspec:\n  every: 7m\n"
        f"  source: {{git: '{ops.url}/ops.git', branch: main, path: manifests}}\n",
        encoding="utf-8",
    )
    around = Surroundings(environ=ops.environ, folder=ops.folder / "state")
    following = InForce(Request(files=(str(path),)), around, Overrides())
    assert following.manifests.commit == first
    assert following.schedule("shop").every_s == 420.0
    assert not following.refresh()

    broken = ops.commit("spec: [")
    following._fetch(following._mirror)  # type: ignore[arg-type]  # noqa: SLF001 - as its thread
    assert following.refresh()
    told = following.manifests
    assert (told.commit, told.refused_commit) == (first, broken)
    assert told.findings[0].code
    (entry,) = following.declared.entries["shop"]
    assert [line.ref.text for line in entry.listed or ()] == ["one"]

    mended = ops.commit(ROWS.format("one, two"))
    following._fetch(following._mirror)  # type: ignore[arg-type]  # noqa: SLF001 - the same
    assert following.refresh()
    assert (following.manifests.commit, following.manifests.findings) == (mended, ())
