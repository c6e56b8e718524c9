"""The whole way of a container: a gate's lanes and a bridge in one world, on one clock and trace.

`chain.py` puts both together; `day.py` says whose cargo goes by itself; `trucks.py` leads trucks
from lane to scan, crane and home; `papers.py` is what can be wrong with those who are outside.
"""

from twin.chain.chain import Chain, joined

__all__ = ["Chain", "joined"]
