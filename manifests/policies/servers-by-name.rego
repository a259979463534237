# No volume leaves a server whose name says that it is in production.
# Terraform's shape has ids alone; names, findings and calls stand under the key `reconciler`.
package main

import rego.v1

guarded := `^(db|web)-`

leaving := {"detach", "move", "destroy"}

deny contains message if {
	some change in input.reconciler.changes
	change.standing == "permitted"
	change.action in leaving
	server := left(change)
	regex.match(guarded, server)
	message := sprintf("%s would leave %s", [change.volume, server])
}

left(change) := change.from if {
	change.action == "move"
}

left(change) := change.server if {
	change.action != "move"
}
