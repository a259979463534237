# A volume may move from server to server in these scopes alone.
# A move is what Terraform calls a replacement; the name of a change is its scope.
package main

import rego.v1

moving_scopes := {"lab", "quickstart"}

deny contains message if {
	some change in input.resource_changes
	change.type == "reconciler_attachment"
	change.change.actions == ["delete", "create"]
	not change.name in moving_scopes
	message := sprintf("volume %s would move in scope %s", [change.change.after.volume_id, change.name])
}
