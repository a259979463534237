# Nothing that is there may begin to be deleted with its server.
package main

import rego.v1

deny contains message if {
	some change in input.resource_changes
	change.type == "reconciler_attachment"
	change.change.actions != ["no-op"]
	change.change.after.delete_on_termination == true
	message := sprintf("volume %s would go with its server", [change.change.after.volume_id])
}
