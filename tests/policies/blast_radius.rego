# How much a plan of Terraform changes, weighed by type and action, and whether it goes alone.
package terraform.weighing

import rego.v1

most := 10

weights := {
	"reconciler_attachment": {"delete": 5, "create": 1, "update": 1},
	"aws_instance": {"delete": 10, "create": 1, "update": 1},
}

default goes := false

goes if {
	score < most
	not touches_anything_else
}

score := sum([weight |
	each := weights[kind][action]
	weight := each * count(asking(kind, action))
])

asking(kind, action) := [change.address |
	some change in input.resource_changes
	change.type == kind
	action in change.change.actions
]

touches_anything_else if {
	some change in input.resource_changes
	not weights[change.type]
}
