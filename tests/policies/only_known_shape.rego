package terraform.shape

import rego.v1

default whole := false

whole if {
	startswith(input.format_version, "1.")
	input.errored == false
	every row in input.resource_changes {
		is_string(row.address)
		is_array(row.change.actions)
		valid(row.change)
	}
}

valid(change) if {
	change.actions == ["no-op"]
}

valid(change) if {
	change.actions == ["create"]
	change.before == null
	change.after != null
}

valid(change) if {
	change.actions == ["delete"]
	change.before != null
	change.after == null
}

valid(change) if {
	change.actions in [["update"], ["delete", "create"]]
	change.before != null
	change.after != null
}
