"""OpenStack Cinder, from which `os-detach` of EVS comes, in one process."""
