"""One module of routes per resource; every route names who may call it (:mod:`flowdrop_provider.plugins.api.security`)."""
