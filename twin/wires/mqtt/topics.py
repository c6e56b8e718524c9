"""Topic names and filters (section 4.7), and a tree of subscriptions that finds who listens."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

Fault = tuple[str, str]
"""Clause and reason."""

_CACHE_MAX = 4096
"""Topics whose listeners are remembered; a fleet of 500 vehicles uses 3,000."""


def name_fault(topic: str) -> Fault | None:
    """What makes `topic` no lawful topic name; None if it is one."""
    if not topic:
        return "MQTT-4.7.3-1", "topic name is empty"
    if "\0" in topic:
        return "MQTT-4.7.3-2", "topic name holds the null character"
    if "+" in topic or "#" in topic:
        return "MQTT-3.3.2-2", "topic name holds a wildcard"  # also [MQTT-4.7.1-1]
    return None


def filter_fault(text: str) -> Fault | None:
    """What makes `text` no lawful topic filter; None if it is one."""
    if not text:
        return "MQTT-4.7.3-1", "topic filter is empty"
    if "\0" in text:
        return "MQTT-4.7.3-2", "topic filter holds the null character"
    if "#" in text and (text.index("#") != len(text) - 1 or text[-2:-1] not in ("", "/")):
        return "MQTT-4.7.1-2", f"topic filter {text!r}: '#' stands alone at the end of a filter"
    if "+" in text and any("+" in level and level != "+" for level in text.split("/")):
        return "MQTT-4.7.1-3", f"topic filter {text!r}: '+' takes a whole level"
    return None


def matches(filter_: str, topic: str) -> bool:
    """Whether topic filter `filter_` covers topic name `topic`."""
    if topic[0] == "$" and filter_[0] in "+#":
        return False  # [MQTT-4.7.2-1]
    levels, names = filter_.split("/"), topic.split("/")
    for index, level in enumerate(levels):
        if level == "#":
            return True  # also the parent level: "sport/#" covers "sport"
        if index >= len(names) or level not in ("+", names[index]):
            return False
    return len(levels) == len(names)


class _Node(Generic[T]):
    __slots__ = ("children", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.here: dict[T, int] = {}


class Subscriptions(Generic[T]):
    """Who listens to what, and at which granted QoS.

    Whoever has several matching filters is found once, with the highest QoS of them
    [MQTT-3.3.5-1]. The order is that of the first subscription found, so it is the same in
    every run.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._found: dict[str, dict[T, int]] = {}

    def add(self, filter_: str, who: T, qos: int) -> None:
        """Subscribe `who`; the same filter again replaces its QoS [MQTT-3.8.4-3]."""
        node = self._root
        for level in filter_.split("/"):
            node = node.children.setdefault(level, _Node())
        node.here[who] = qos
        self._found.clear()

    def remove(self, filter_: str, who: T) -> bool:
        """Take one subscription away; whether it was there."""
        path = [self._root]
        levels = filter_.split("/")
        for level in levels:
            node = path[-1].children.get(level)
            if node is None:
                return False
            path.append(node)
        if path[-1].here.pop(who, None) is None:
            return False
        for level, parent, node in zip(levels[::-1], path[-2::-1], path[:0:-1], strict=True):
            if node.here or node.children:
                break
            del parent.children[level]
        self._found.clear()
        return True

    def listeners(self, topic: str) -> dict[T, int]:
        """Everybody who listens to `topic`, with the highest granted QoS; not to be changed."""
        found = self._found.get(topic)
        if found is None:
            found = {}
            # A name that begins with '$' is hidden from wildcards at the first level.
            self._collect(self._root, topic.split("/"), 0, topic[0] == "$", found)
            if len(self._found) >= _CACHE_MAX:
                self._found.clear()
            self._found[topic] = found
        return found

    def _collect(
        self, start: _Node[T], names: list[str], at: int, hidden: bool, found: dict[T, int]
    ) -> None:
        # A stack and not recursion: a topic may have 65,535 levels.
        stack = [(start, at)]
        while stack:
            node, depth = stack.pop()
            wild = not (hidden and depth == 0)
            if wild and "#" in node.children:
                _merge(found, node.children["#"].here)
            if depth == len(names):
                _merge(found, node.here)
                continue
            if wild and "+" in node.children:
                stack.append((node.children["+"], depth + 1))
            exact = node.children.get(names[depth])
            if exact is not None:
                stack.append((exact, depth + 1))


def _merge(found: dict[T, int], more: dict[T, int]) -> None:
    for who, qos in more.items():
        if found.get(who, -1) < qos:
            found[who] = qos
