"""Load: open arrivals, Locust users, mergeable histograms and a gate that decides.

May import `twin.documents`, `twin.errors`, `twin.strict_toml` and protocol clients; never the
gate itself, which is driven over its wires only. Install with the extra `load`.

* `arrivals`: when requests are meant to start, drawn before the run from a seed
* `driver`: starts each on its instant and measures from there (open model)
* `modbus`, `rest`: the clients; `locust_users`, `locust_hooks`: the same under Locust
* `histogram`, `result`: what was measured, mergeable across processes without loss
* `slo`: limits as data and the verdict; `report`: HTML and JUnit of it
"""
