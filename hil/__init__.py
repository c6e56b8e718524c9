"""Real hardware and verdicts: certification of devices on a bench, and acceptance of a site.

What is driven and recorded is kept apart from what is judged: a suite drives a device through
`bench` roles and writes one trace; verdicts are pure functions of that trace, so old evidence can
be judged again. May import `twin` and `fixtures`; nothing of ours but `tests` imports `hil`.
"""
