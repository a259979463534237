"""What a revision has is read byte for byte; what nobody can tell is said in words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.manifest import is_manifest, manifest_files
from reconciler.model.finding import FindingsError
from reconciler.model.history import Commit
from reconciler.repository import tree
from reconciler.repository.git import Git
from reconciler.repository.manifests import at_revision, commit_of
from tests.repository.making import NOBODYS, commit, git

if TYPE_CHECKING:
    from pathlib import Path

PATH = NOBODYS["PATH"]


def lay(folder: Path, **files: str | bytes) -> Path:
    """Write files; `__` in a name is a folder's end, `_` before the last part is its dot."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(
    given: Path | list[Path], rev: str, *, recursive: bool = False, path: str = PATH
) -> dict[str, bytes]:
    """Give the files of a revision, by their paths from the repository's root."""
    paths = [str(one) for one in (given if isinstance(given, list) else [given])]
    found = at_revision(paths, rev, path, recursive=recursive, wanted=is_manifest)
    with found as (folder, _):
        files = [one for one in folder.rglob("*") if not one.is_dir()]
        return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files}


def refused(given: Path, rev: str, *, path: str = PATH) -> str:
    """Give the code by which reading is refused."""
    with pytest.raises(FindingsError) as error:
        read(given, rev, path=path)
    (finding,) = error.value.findings
    assert finding.hint
    return finding.code


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Give a repository with two commits and a tree that is changed once more."""
    raw = b"one: 1\r\ntwo: $Id$ \xc3\xa4\n"
    lay(tmp_path, m__a_yaml=raw, m__b_yaml="b", m__c_txt="no", m__deep__d_yaml="d", x_yaml="x")
    lay(tmp_path, m__w="", **{"m__w.world.yaml": "world"})
    (tmp_path / ".gitattributes").write_text(
        "* text=auto ident export-ignore\n*.yaml text eol=lf\n"
    )
    commit(tmp_path, "first")
    lay(tmp_path, m__a_yaml="changed", m__e_yaml="e")
    (tmp_path / "m" / "b.yaml").unlink()
    commit(tmp_path, "second")
    lay(tmp_path, m__a_yaml="dirty")
    return tmp_path


def test_a_folder_is_what_the_revision_has_and_nothing_deeper(two: Path) -> None:
    found = read(two / "m", "HEAD~1")
    assert found.keys() == {"m/a.yaml", "m/b.yaml"}
    assert found["m/a.yaml"] == git(two, "show", "HEAD~1:m/a.yaml").encode() + b"\n"
    assert read(two / "m", "HEAD") == {"m/a.yaml": b"changed", "m/e.yaml": b"e"}


def test_a_folder_is_descended_into_where_that_was_asked_for(two: Path) -> None:
    assert read(two / "m", "HEAD~1", recursive=True).keys() == {
        "m/a.yaml",
        "m/b.yaml",
        "m/deep/d.yaml",
    }
    assert "x.yaml" in read(two, "HEAD~1", recursive=True)
    assert read(two, "HEAD").keys() == {"x.yaml"}


def test_files_and_folders_that_the_revision_lacks_are_left_out(two: Path) -> None:
    lay(two, new__f_yaml="f")
    assert read([two / "new", two / "x.yaml"], "HEAD") == {"x.yaml": b"x"}
    assert read(two / "new", "HEAD") == {}


def test_a_worktree_and_a_folder_that_is_reached_by_a_link(two: Path) -> None:
    git(two, "worktree", "add", "-q", "../tree", "HEAD~1")
    assert read(two.parent / "tree" / "m", "main").keys() == {"m/a.yaml", "m/e.yaml"}
    (two / "linked").symlink_to("m")
    assert read(two / "linked", "HEAD").keys() == {"m/a.yaml", "m/e.yaml"}


@pytest.mark.parametrize(
    "rev",
    ["", "-h", "--output=x", "nobody", "HEAD~9", "HEAD:m", "a\nb", "a b", "x" * 300, "HEAD^{tree}"],
)
def test_a_revision_that_is_none_is_refused(two: Path, rev: str) -> None:
    assert refused(two / "m", rev) == "unknown-revision"


def test_what_else_is_refused_in_words(two: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    apart = lay(tmp_path_factory.mktemp("apart"), a_yaml="a")
    assert refused(apart, "HEAD") == "no-repository"
    with pytest.raises(FindingsError, match="2 different ones"):
        read([apart, two / "m"], "HEAD")
    assert refused(two / "m", "HEAD", path=str(apart)) == "no-git"
    (apart / ".git").mkdir()
    assert refused(apart, "HEAD") == "git-failed"
    git(two.parent, "clone", "-q", "--depth", "1", two.as_uri(), "shallow")
    assert refused(two.parent / "shallow" / "m", "HEAD~1") == "shallow-clone"
    assert read(two.parent / "shallow" / "m", "HEAD").keys() == {"m/a.yaml", "m/e.yaml"}


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside.yaml", "../.git/../../x"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    lay(tmp_path, m__a_yaml="a")
    (tmp_path / "m" / "l.yaml").symlink_to(target)
    commit(tmp_path)
    assert refused(tmp_path / "m", "HEAD") == "base-link"


def test_a_link_that_stays_is_a_link(tmp_path: Path) -> None:
    lay(tmp_path, m__a_yaml="a")
    (tmp_path / "m" / "l.yaml").symlink_to("a.yaml")
    commit(tmp_path)
    assert read(tmp_path / "m", "HEAD") == {"m/a.yaml": b"a", "m/l.yaml": b"a"}


def test_a_tree_whose_names_lead_out_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, a_yaml="a")
    commit(tmp_path)
    blob = git(tmp_path, "rev-parse", "HEAD:a.yaml")
    row = b"100644 a.yaml\0" + bytes.fromhex(blob)
    (tmp_path / "raw").write_bytes(row)
    inner = git(tmp_path, "hash-object", "-w", "-t", "tree", "--literally", "raw")
    (tmp_path / "raw").write_bytes(b"40000 ..\0" + bytes.fromhex(inner))
    outer = git(tmp_path, "hash-object", "-w", "-t", "tree", "--literally", "raw")
    made = git(tmp_path, "commit-tree", "-m", "hostile", outer)
    assert read(tmp_path, made, recursive=True) == {}
    every = at_revision([str(tmp_path)], made, PATH, recursive=True, wanted=bool)
    with pytest.raises(FindingsError, match="leads out"), every:
        pass


def test_too_much_is_refused(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_BYTES", 5)
    assert refused(two / "m", "HEAD") == "base-too-large"
    with pytest.raises(FindingsError, match="said more than 10 bytes"):
        Git(two, PATH).ask("ls-tree", "HEAD", most_bytes=10)


def test_a_blob_that_a_partial_clone_lacks_is_not_fetched(two: Path) -> None:
    git(two, "config", "uploadpack.allowFilter", "true")
    words = ("clone", "-q", "--filter=blob:none", "--no-checkout", two.as_uri(), "partial")
    git(two.parent, *words)
    partial = two.parent / "partial"
    lay(partial, m__a_yaml="here")
    assert refused(partial / "m", "HEAD") in {"base-incomplete", "git-failed"}


def hostile(folder: Path, mark: Path) -> None:
    """Configure everything that git may run in a repository; each leaves `mark`."""
    program = folder.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    program.chmod(0o755)
    (folder / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    for key in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv"),
        *("diff.evil.command", "diff.external", "merge.evil.driver", "credential.helper"),
        *("gpg.program", "alias.rev-parse", "alias.ls-tree", "alias.cat-file", "pager.ls-tree"),
        *("core.gitProxy", "remote.origin.uploadpack", "uploadpack.packObjectsHook"),
        *("interactive.diffFilter", "sequence.editor", "core.alternateRefsCommand"),
    ):
        git(folder, "config", key, str(program))
    git(folder, "config", "remote.origin.url", f"ext::{program}")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "protocol.ext.allow", "always")
    git(folder, "config", "core.hooksPath", "hooks")
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit"):
        hook = folder / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(program.read_text())
        hook.chmod(0o755)


def test_nothing_of_a_hostile_repository_runs(two: Path) -> None:
    mark = two.parent / f"{two.name}-mark"
    hostile(two, mark)
    git(two, "status", good=False)
    assert mark.exists(), "an ordinary command runs what it is told to"
    mark.unlink()
    gone = git(two, "rev-parse", "HEAD~1:m/b.yaml")
    (two / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    assert read(two / "m", "HEAD").keys() == {"m/a.yaml", "m/e.yaml"}
    assert refused(two / "m", "HEAD~1") in {"base-incomplete", "git-failed"}
    assert refused(two / "m", "nobody") == "unknown-revision"
    assert known(two / "m") is not None
    assert not mark.exists()
    git(two, "cat-file", "-p", gone, good=False)
    assert mark.exists(), "an ordinary command fetches what is missing"


def test_variables_of_git_change_nothing(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "x")
    assert read(two / "m", "HEAD").keys() == {"m/a.yaml", "m/e.yaml"}


def known(given: Path, *, recursive: bool = False) -> Commit | None:
    """Give what is known of the manifests that are there."""
    files = manifest_files([given], recursive=recursive)
    return commit_of([str(given)], files, PATH, recursive=recursive, wanted=is_manifest)


def test_a_commit_is_dirty_when_what_was_read_is_not_what_it_has(two: Path) -> None:
    (two / ".gitattributes").unlink()
    head = commit(two)
    assert known(two / "m") == Commit(id=head, dirty=False)
    lay(two, m__c_txt="no manifest", y_yaml="elsewhere")
    assert known(two / "m") == Commit(id=head, dirty=False)
    for change in ("changed", "deleted", "new"):
        path = two / "m" / ("new.yaml" if change == "new" else "e.yaml")
        before = path.read_bytes() if path.exists() else None
        if change == "deleted":
            path.unlink()
        else:
            path.write_text("other")
        assert known(two / "m") == Commit(id=head, dirty=True), change
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
    assert known(two / "m") == Commit(id=head, dirty=False)


def test_where_there_is_no_commit_nobody_knows(tmp_path: Path) -> None:
    lay(tmp_path, a_yaml="a")
    assert known(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert known(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_repository_of_another_user_is_read(two: Path) -> None:
    for path in (two, *two.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert read(two / "m", "HEAD").keys() == {"m/a.yaml", "m/e.yaml"}
