"""A repository of ours that follows one branch of another one: fast-forward only, nothing runs.

1. https and ssh alone; no redirects, no prompts, no tags, no submodules, no hooks; within a time.
2. A branch that was rewritten is refused: what it was is still there, and stays.
3. Where signatures are asked for, the newest commit has a good one, by somebody in a list.

Source: git-fetch(1), git-config(1) "protocol.allow", "gpg.ssh.allowedSignersFile" of git 2.39.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.model.finding import Finding, FindingsError
from reconciler.repository.git import Git, Reach
from reconciler.repository.tree import commit_id, leaves, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.model.schedule import GitSource

TIMEOUT_S = 120.0
"""A first fetch of a repository of manifests takes seconds; a dead line is given up."""
SCHEMES = {"https", "ssh"}
FETCHED, GOOD = "refs/heads/fetched", "refs/heads/good"
"""What came last, and what of it passed."""
SIGNERS = "RECONCILER_SIGNERS"
"""The file of those whose signatures count, in the form of ssh-keygen's allowed signers."""
SSH = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=20"
PASSED = {
    "HTTPS_PROXY": "https_proxy",
    "NO_PROXY": "no_proxy",
    "SSL_CERT_FILE": "GIT_SSL_CAINFO",
    "SSL_CERT_DIR": "GIT_SSL_CAPATH",
    "SSH_AUTH_SOCK": "SSH_AUTH_SOCK",
}
"""What of our environment git is told, and under which name."""
LINES = (
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "transfer.fsckObjects=true",
    f"core.sshCommand={SSH}",
)


class Mirror:
    """One branch of a repository, as far as it was fetched into a folder. Blocks while it works."""

    def __init__(self, source: GitSource, folder: Path, environ: Mapping[str, str]) -> None:
        """Check the source; raises FindingsError for an address that isn't https or ssh."""
        self._source = source
        self._url = _checked(source)
        name = hashlib.sha256(f"{source.url} {source.branch or ''}".encode()).hexdigest()[:16]
        self._folder = folder / name
        self._environ = environ
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._git = Git(self._folder, environ.get("PATH") or os.defpath)

    def newest(self) -> str | None:
        """Give the commit that passed last; None when none ever did."""
        if not (self._folder / ".git").exists():
            return None
        asked = self._git.ask("rev-parse", "--verify", "--quiet", f"{GOOD}^{{commit}}")
        return commit_id(self._git, GOOD) if asked.good else None

    def fetch(self) -> str:
        """Fetch, and give the newest commit. Raises FindingsError; what was good before stays."""
        if not (self._folder / ".git").exists():
            made = self._git.ask("init", "--quiet", "--initial-branch=none", "--template=")
            if not made.good:
                raise self._failed("not-fetched", f"can't be kept: {made.words}")
        told = {ours: self._environ[name] for name, ours in PASSED.items() if name in self._environ}
        environ = {"GIT_ALLOW_PROTOCOL": "https:ssh", "GIT_SSH_COMMAND": SSH, **told}
        branch = f"refs/heads/{self._source.branch}" if self._source.branch else "HEAD"
        asked = self._git.ask(
            *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
            *("--no-auto-maintenance", "--refmap=", "--", self._url, f"+{branch}:{FETCHED}"),
            reach=Reach(settings=LINES, environ=environ, timeout_s=TIMEOUT_S),
        )
        if not asked.good:
            raise self._failed("not-fetched", f"can't be fetched: {asked.words}")
        commit, before = commit_id(self._git, FETCHED), self.newest()
        if before is not None and not self._follows(before, commit):
            raise self._failed("not-fast-forward", f"was rewritten: {before[:12]} isn't in it")
        if self._source.signed:
            self._check(commit)
        if not self._git.ask("update-ref", GOOD, commit).good:
            raise self._failed("not-fetched", "can't be kept")
        return commit

    def _follows(self, before: str, commit: str) -> bool:
        return self._git.ask("merge-base", "--is-ancestor", before, commit).good

    def lay(self, commit: str, wanted: Callable[[str], bool], *, recursive: bool) -> Path:
        """Lay the manifests of a commit into a folder of their own; give where they are."""
        laid = self._folder / commit
        inside = self._source.path.strip("/") or "."
        if not laid.exists():
            beside = self._folder / "new"
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            rows = leaves(self._git, commit, inside, recursive=recursive, wanted=wanted)
            write(self._git, rows, beside)
            beside.rename(laid)
        return laid / inside

    def forget(self, *kept: str) -> None:
        """Delete what was laid of other commits than these."""
        for one in self._folder.iterdir():
            if one.name not in {".git", "new", *kept}:
                shutil.rmtree(one, ignore_errors=True)

    def _check(self, commit: str) -> None:
        """Raise FindingsError unless the commit has a good signature of a known signer."""
        signers = self._environ.get(SIGNERS, "")
        if not signers:
            raise self._failed("not-signed", f"`signed: true` needs {SIGNERS}, a file of signers")
        reach = Reach(settings=(f"gpg.ssh.allowedSignersFile={signers}",))
        asked = self._git.ask("verify-commit", commit, reach=reach)
        if not asked.good:
            raise self._failed("not-signed", f"commit {commit[:12]} has no good signature")

    def _failed(self, code: str, why: str) -> FindingsError:
        return FindingsError(_finding(self._source, code, f"the branch of `source` {why}"))


def _checked(source: GitSource) -> str:
    parts = urlsplit(source.url)
    plain = source.url.isascii() and source.url.isprintable() and " " not in source.url
    secret = parts.password is not None or (parts.scheme == "https" and parts.username is not None)
    if parts.scheme not in SCHEMES or not parts.hostname or not plain or secret:
        why = "`source.git` must be an address over https or ssh, without a password"
        raise FindingsError(_finding(source, "source-address", why))
    branch = source.branch or "HEAD"
    odd = {".", "", ".."} & set(branch.split("/")) or not set(branch).isdisjoint("~^:?*[\\ ")
    if branch.startswith("-") or odd or not branch.isprintable() or ".." in branch:
        raise FindingsError(_finding(source, "source-address", "`source.branch` is no branch"))
    if ".." in source.path.split("/"):
        raise FindingsError(_finding(source, "source-address", "`source.path` leads out of it"))
    return source.url


HINTS = {
    "source-address": "write an address such as `https://git.example/ops.git`",
    "not-fetched": "check the address, the branch and what this machine may reach; what was "
    "fetched before stays in force",
    "not-fast-forward": "merge instead of rewriting, or delete the fetched repository under "
    "RECONCILER_DATA_DIR to follow it from anew",
    "not-signed": "sign the commit by an SSH key, and list its owner as a signer",
}


def _finding(source: GitSource, code: str, summary: str) -> Finding:
    return Finding(code=code, summary=summary, hint=HINTS[code], place=source.place)
