"""Queueing theory that the model is held against, and that starts the search for a fleet.

M/M/c by Erlang's C, M/G/1 by Pollaczek and Khinchine, M/D/1 by Erlang (1909), a
closed network of single servers and delays by mean value analysis (Reiser and Lavenberg 1980).
Times in seconds, rates per second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from twin.capacity.plan import SizingError


def erlang_c(servers: int, load: float) -> float:
    """The share of customers who wait in M/M/c with `load` = rate x service time, in erlangs."""
    if not 0 < load < servers:
        raise SizingError(f"offered load {load:g} erlang on {servers} servers; must be below them")
    blocked = 1.0  # Erlang's B, by its recursion over servers
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mmc_wait_s(servers: int, rate_per_s: float, service_s: float) -> float:
    """Mean wait in M/M/c."""
    load = rate_per_s * service_s
    return erlang_c(servers, load) * service_s / (servers - load)


def mmc_wait_quantile_s(servers: int, rate_per_s: float, service_s: float, q: float) -> float:
    """The `q` quantile of the wait in M/M/c (FIFO): an exponential tail above an atom at 0."""
    load = rate_per_s * service_s
    tail = erlang_c(servers, load) / (1 - q)
    return 0.0 if tail <= 1 else math.log(tail) * service_s / (servers - load)


def mg1_wait_s(rate_per_s: float, mean_s: float, variance_s2: float) -> float:
    """Mean wait in M/G/1."""
    load = rate_per_s * mean_s
    if not 0 < load < 1:
        raise SizingError(f"offered load {load:g} erlang on one server; must be below 1")
    return rate_per_s * (variance_s2 + mean_s**2) / (2 * (1 - load))


def md1_wait_share(rate_per_s: float, service_s: float, wait_s: float) -> float:
    """The share of customers in M/D/1 who wait at most `wait_s` (Erlang 1909).

    Its terms cancel each other; good for waits of up to about twelve service times.
    """
    load = rate_per_s * service_s
    if not 0 < load < 1:
        raise SizingError(f"offered load {load:g} erlang on one server; must be below 1")
    total = 0.0
    for n in range(math.floor(wait_s / service_s) + 1):
        x = rate_per_s * (n * service_s - wait_s)  # never above 0
        total += x**n / math.factorial(n) * math.exp(-x)
    return (1 - load) * total


def md1_wait_quantile_s(rate_per_s: float, service_s: float, q: float) -> float:
    """The `q` quantile of the wait in M/D/1."""
    low_s, high_s = 0.0, service_s
    if md1_wait_share(rate_per_s, service_s, 0.0) >= q:
        return 0.0
    while md1_wait_share(rate_per_s, service_s, high_s) < q:
        low_s, high_s = high_s, high_s + service_s
    for _ in range(60):
        middle_s = (low_s + high_s) / 2
        if md1_wait_share(rate_per_s, service_s, middle_s) < q:
            low_s = middle_s
        else:
            high_s = middle_s
    return high_s


def mva_per_s(vehicles: int, servers_s: Sequence[float], delay_s: float) -> float:
    """Cycles a second of `vehicles` in a closed ring of exponential single servers and a delay.

    `servers_s`: mean service time of each server per cycle. Exact (product form).
    """
    queues = [0.0] * len(servers_s)
    rate = 0.0
    for n in range(1, vehicles + 1):
        times = [s * (1 + q) for s, q in zip(servers_s, queues, strict=True)]
        rate = n / (delay_s + sum(times))
        queues = [rate * t for t in times]
    return rate
