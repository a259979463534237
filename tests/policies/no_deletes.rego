package terraform.deletes

import rego.v1

import input as tfplan

deny contains reason if {
	change := tfplan.resource_changes[_]
	change.mode == "managed"
	change.change.actions[_] == "delete"
	reason := sprintf("%s would be deleted", [change.type])
}
