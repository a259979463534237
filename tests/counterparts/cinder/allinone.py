"""Cinder's API, scheduler and volume service in one process; run by the Python of its own venv.

Its only argument is the configuration file. Modules are imported by name: they are installed
there and not where this file is checked, and the first one has to patch the others.
"""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """Serve until the process is ended."""
    import_module("cinder.monkey_patch").patch()
    eventlet = import_module("eventlet")
    settings = import_module("oslo_config.cfg").CONF
    middleware = import_module("cinder.common.config")
    import_module("cinder.objects").register_all()
    version = import_module("cinder.version").version_string()
    settings(["--config-file", sys.argv[1]], project="cinder", version=version)
    middleware.set_middleware_defaults()
    import_module("oslo_log.log").setup(settings, "cinder")
    import_module("cinder.coordination").COORDINATOR.start()
    import_module("cinder.rpc").init(settings)
    service = import_module("cinder.service")
    volume = service.Service.create(
        host=f"{settings.host}@fake",
        service_name="fake",
        binary="cinder-volume",
        coordination=False,
        cluster=None,
    )
    for part in (volume, service.Service.create(binary="cinder-scheduler")):
        part.start()
    service.WSGIService("osapi_volume").start()
    while True:
        eventlet.sleep(3600)


if __name__ == "__main__":
    main()
