"""ISAPI, the HTTP interface of Hikvision plate cameras, as public clients observe it.

The camera tells its readings in two ways: an endless multipart answer that a client holds open
(`alertStream`), and a POST to each host that was registered (`httpHosts`). Access is by HTTP
digest only. Written from observed behaviour and public test fixtures, not from vendor text.
"""

from twin.wires.isapi.server import IsapiServer

__all__ = ["IsapiServer"]
