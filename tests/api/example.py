"""Plan, show, apply, and look again: the program that the README prints."""

import sys

import reconciler

manifest = reconciler.load_manifest("manifests/quickstart.yaml")
planned = reconciler.plan(manifest, first_apply=True)
print(reconciler.render(planned))

applied = reconciler.execute(manifest, planned)
for result in applied.results:
    print(result.verdict.value, result.change.name.server, result.change.name.volume)
for scope in reconciler.check_drift(manifest).scopes:
    print(scope.scope, "drifted" if scope.comparison.differences else "is in line")
sys.exit(applied.ending.value)
