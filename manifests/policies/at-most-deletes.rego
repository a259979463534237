# At most so many attachments may leave in one plan.
# Written against the shape of Terraform's plans: it holds for those as well.
package main

import rego.v1

most_deletes := 5

deletes contains change.address if {
	some change in input.resource_changes
	"delete" in change.change.actions
}

deny contains message if {
	count(deletes) > most_deletes
	message := sprintf("%d deletes in one plan, %d may be", [count(deletes), most_deletes])
}
