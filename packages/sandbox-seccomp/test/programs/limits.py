"""Lowers limits of its own, by each call that can, and prints those that it has then."""
import resource

for name in ("core", "nofile"):
    which = getattr(resource, "RLIMIT_" + name.upper())
    resource.setrlimit(which, (20 if name == "nofile" else 0,) * 2)
    resource.prlimit(0, which, (20 if name == "nofile" else 0,) * 2)
    print(name, resource.getrlimit(which))
