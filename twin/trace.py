"""The record: one ordered list of everything that happened in a run.

A record costs a third of a microsecond while the gate runs: it is one tuple appended to a list.
Encoding to canonical JSON, hashing and writing Parquet happen when rows are sealed, in chunks.
The hash leaves out wall time, so that one seed gives one hash on any machine.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from twin.clock import Clock
from twin.errors import TraceError

FORMAT = 1
"""Version of the columns; a reader refuses another."""

_CHUNK = 65_536
"""Rows that are sealed, hashed and written at once: about 30 MB of memory."""

_SCHEMA = pa.schema(
    [
        pa.field("t_ns", pa.int64()),
        pa.field("wall_ns", pa.int64()),
        pa.field("source", pa.dictionary(pa.int32(), pa.string())),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("cause", pa.int64()),
        pa.field("payload", pa.string()),
    ],
    metadata={"gatetwin.trace": str(FORMAT)},
)

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Record(NamedTuple):
    """One thing that happened.

    `t_ns`: nanoseconds of the run's clock. `wall_ns`: nanoseconds of the machine's clock, for
    measuring only. `source`: who (a device id, `world`, `partner`, `run`). `kind`: what.
    `cause`: id of the record that brought it about, or -1. `payload`: plain JSON values.
    """

    id: int
    t_ns: int
    wall_ns: int
    source: str
    kind: str
    cause: int
    payload: dict[str, Any]

    @property
    def t_s(self) -> float:
        """Seconds of the run's clock."""
        return self.t_ns / 1_000_000_000


_Row = tuple[int, int, str, str, int, dict[str, Any]]


class Recorder(Protocol):
    """Appends one record and returns its id, to be given as the `cause` of what follows."""

    def __call__(self, source: str, kind: str, /, cause: int = -1, **payload: Any) -> int:
        """`source` is who, `kind` what, `payload` plain JSON values or bytes."""


class Trace:
    """The recorder of one run: call it with a source, a kind and the payload."""

    def __init__(
        self, clock: Clock | None = None, path: Path | None = None, *, keep: bool = True
    ) -> None:
        """Record against `clock`; with `path`, rows leave memory as they are sealed.

        With `keep` false, old rows are dropped: for a gate that is served for weeks unjudged.
        """
        self._store = _Store(path, keep)
        self.record: Recorder = self._recorder(clock)
        """What a call of the trace does, for who records every frame.

        Python calls a function in half the time that it needs for an object with `__call__`.
        """

    def _recorder(self, clock: Clock | None) -> Recorder:
        # A closure, for its names are found faster than attributes, and over the store alone:
        # over `self` it would be a cycle, and a trace's memory would wait for the collector.
        store, append = self._store, self._store.rows.append
        now_ns = clock.now_ns if clock is not None else (lambda: 0)
        wall_ns, number, full = perf_counter_ns, -1, store.room - 1

        def record(source: str, kind: str, /, cause: int = -1, **payload: Any) -> int:
            nonlocal number, full
            append((now_ns(), wall_ns(), source, kind, cause, payload))
            number += 1
            if number >= full:
                store.spill()
                full = number + store.room
            return number

        return record

    def __call__(self, source: str, kind: str, /, cause: int = -1, **payload: Any) -> int:
        """Append a record and return its id, to be given as the `cause` of what follows."""
        return self.record(source, kind, cause, **payload)

    def __len__(self) -> int:
        return self._store.base + len(self._store.rows)

    def records(self) -> Iterator[Record]:
        """All records in order; of a spilled trace, from the file and then from memory."""
        store = self._store
        store.seal()
        if store.base:
            if store.path is None:
                raise TraceError("this trace drops its records; give it a path to keep them")
            self.close()
            yield from read_trace(store.path)
            return
        for number, row in enumerate(store.rows):
            yield Record(number, *row)

    def sha256(self) -> str:
        """Hash of all records so far, without wall times."""
        self._store.seal()
        return self._store.hash.copy().hexdigest()

    def write(self, path: Path) -> None:
        """Write the whole trace as Parquet to `path`."""
        store = self._store
        if store.path is not None:
            self.close()
            if path != store.path:
                path.write_bytes(store.path.read_bytes())
            return
        store.seal()
        _write(path, store.rows)

    def close(self) -> None:
        """Bring a spilling trace to disk; afterwards it can only be read."""
        self._store.close()


class _Store:
    """The rows of a trace, and where they go when memory holds enough of them."""

    def __init__(self, path: Path | None, keep: bool) -> None:
        self.path = path
        self.rows: list[_Row] = []
        self.base = 0
        """Id of the first row that is still in memory."""
        self.room = sys.maxsize if keep and path is None else _CHUNK
        """Rows that memory may hold."""
        self.hash = hashlib.sha256()
        self._sealed = 0
        self._writer: pq.ParquetWriter | None = None

    def seal(self) -> None:
        """Put every row that is not yet in the hash into it."""
        rows, update = self.rows, self.hash.update
        for index in range(self._sealed, len(rows)):
            t_ns, _, source, kind, cause, payload = rows[index]
            for key, value in payload.items():
                if type(value) is bytes:
                    payload[key] = value.hex()
            update(_encode((t_ns, source, kind, cause, payload)))
        self._sealed = len(rows)

    def spill(self) -> None:
        """Seal, write what has a file, and forget."""
        self.seal()
        if self.path is not None and self._writer is None:
            self._writer = pq.ParquetWriter(self.path, _SCHEMA, compression="zstd")
        if self.rows and self._writer is not None:
            self._writer.write_table(_table(self.rows))
        self.base += len(self.rows)
        self.rows.clear()
        self._sealed = 0

    def close(self) -> None:
        """Bring the rest to disk and end the file."""
        if self.path is None:
            return
        if self.rows or self._writer is None:
            self.spill()
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records, wherever they came from, as Parquet to `path`; they get new ids from 0."""
    _write(path, [record[1:] for record in records])


def _write(path: Path, rows: list[_Row]) -> None:
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for start in range(0, len(rows), _CHUNK):
            writer.write_table(_table(rows[start : start + _CHUNK]))


def _table(rows: list[_Row]) -> pa.Table:
    t_ns, wall_ns, source, kind, cause, payload = zip(*rows, strict=True)
    columns = [
        pa.array(t_ns, pa.int64()),
        pa.array(wall_ns, pa.int64()),
        pa.array(source, pa.string()).dictionary_encode(),
        pa.array(kind, pa.string()).dictionary_encode(),
        pa.array(cause, pa.int64()),
        pa.array([_encode(item).decode() for item in payload], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def from_rows(rows: Iterable[tuple[int, str, str, int, Mapping[str, Any]]]) -> list[Record]:
    """Records from (t_ns, source, kind, cause, payload): for imported captures and tests."""
    return [
        Record(number, t_ns, 0, source, kind, cause, dict(payload))
        for number, (t_ns, source, kind, cause, payload) in enumerate(rows)
    ]


def hash_records(records: Iterable[Record]) -> str:
    """The hash that `Trace.sha256` gives for the same records."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(
            _encode((record.t_ns, record.source, record.kind, record.cause, record.payload))
        )
    return digest.hexdigest()


def _plain(column: pa.Array) -> list[Any]:
    """A column as Python values; through numpy, which is ten times as fast as `to_pylist`."""
    if isinstance(column, pa.DictionaryArray):
        names = column.dictionary.to_pylist()
        return [names[index] for index in column.indices.to_numpy(zero_copy_only=False).tolist()]
    values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def read_trace(path: Path) -> Iterator[Record]:
    """Read a Parquet trace row by row; raises `TraceError` on anything else."""
    path = Path(path)
    if path.is_dir():
        path = path / "trace.parquet"
    if not path.is_file():
        raise TraceError(f"{path}: no such trace; give a run folder or its trace.parquet")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise TraceError(f"{path}: is not a Parquet file") from error
    with file:
        version = (file.schema_arrow.metadata or {}).get(b"gatetwin.trace", b"none").decode()
        if version != str(FORMAT):
            raise TraceError(f"{path}: trace format {version}; this version reads {FORMAT}")
        number = 0
        for batch in file.iter_batches(batch_size=_CHUNK):
            columns = [_plain(column) for column in batch.columns]
            for t_ns, wall_ns, source, kind, cause, payload in zip(*columns, strict=True):
                yield Record(number, t_ns, wall_ns, source, kind, cause, _decode(payload))
                number += 1
