"""Queues by the recursion of Kiefer and Wolfowitz: the second witness of the model's waits.

It shares nothing with the model, is exact for FIFO servers, and runs many replications at once, so
that intervals can be tried on thousands of experiments.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Service = Callable[[np.random.Generator, int], Floats]


def waits_s(ready_s: Floats, service_s: Floats, servers: int) -> Floats:
    """The wait of each customer; customers x queues in, customers x queues out (or one queue)."""
    ready, service = np.atleast_2d(ready_s.T).T, np.atleast_2d(service_s.T).T
    free_s = np.zeros((ready.shape[1], servers))
    found = np.empty_like(ready)
    for number in range(len(ready)):
        begin_s = np.maximum(ready[number], free_s[:, 0])
        found[number] = begin_s - ready[number]
        free_s[:, 0] = begin_s + service[number]
        if servers > 1:
            free_s.sort(axis=1)
    return found.reshape(ready_s.shape)


def exponential(rng: np.random.Generator, queues: int) -> Floats:
    """Service times of mean 1 for one customer of each queue."""
    return rng.exponential(1.0, queues)


def constant(_: np.random.Generator, queues: int) -> Floats:
    """Service times of 1."""
    return np.ones(queues)


def stationary_s(
    servers: int, load: float, customers: int, queues: int, *, warmup: int, seed: int,
    service: Service = exponential,
) -> Floats:  # fmt: skip
    """Waits in queues with Poisson arrivals, mean service 1, utilisation `load`.

    Queues begin empty; `warmup` customers are left out. Queues x customers.
    """
    rng, free_s = np.random.default_rng(seed), np.zeros((queues, servers))
    now_s, found = np.zeros(queues), np.empty((customers, queues))
    for number in range(-warmup, customers):
        now_s += rng.exponential(1.0 / (load * servers), queues)
        begin_s = np.maximum(now_s, free_s[:, 0])
        if number >= 0:
            found[number] = begin_s - now_s
        free_s[:, 0] = begin_s + service(rng, queues)
        if servers > 1:
            free_s.sort(axis=1)
    return found.T
