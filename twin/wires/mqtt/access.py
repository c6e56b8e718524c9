"""Who may connect, and who may publish and read what: users and rules as mosquitto has them.

The text form is mosquitto's `acl_file`, so one file serves this broker and that one::

    topic read gate/notice/#          # before the first `user`: clients without a user name
    user fleet
    topic readwrite uagv/v2/#
    topic deny uagv/v2/+/+/factsheet  # a deny wins over every grant
    pattern write uagv/v2/acme/%u/state
    pattern read  uagv/v2/acme/%u/order

`%u` is the user name and `%c` the client identifier. A name that holds `+`, `#` or `/` fits no
pattern: it could widen the filter. With rules, what no rule grants is refused. As in mosquitto,
a subscription is always granted and reading is judged message by message.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from twin.errors import ConfigError
from twin.wires.mqtt.topics import filter_fault, matches

Right = Literal["read", "write", "readwrite", "deny"]
_RIGHTS = get_args(Right)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of rights; `user` None is a client without a user name, `pattern` is for all."""

    topic: str
    right: Right = "readwrite"
    user: str | None = None
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Users with their passwords, and rights; without `rules` everything is allowed."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    anonymous: bool = True
    rules: tuple[Rule, ...] | None = None

    def admits(self, user: str | None, password: bytes | None) -> bool:
        """Whether these credentials may connect.

        As with mosquitto, a broker that knows no users takes any name.
        """
        if user is None:
            return self.anonymous
        if not self.users:
            return self.anonymous
        known = self.users.get(user)
        # Compared in constant time, and also for a user that does not exist.
        given = password or b""
        right = hmac.compare_digest((known or "").encode(), given)
        return right and known is not None and password is not None

    def allows(
        self, right: Literal["read", "write"], topic: str, user: str | None, id: str
    ) -> bool:
        """Whether a client may publish to (`write`) or receive from (`read`) `topic`."""
        if self.rules is None:
            return True
        granted = False
        for rule in self.rules:
            filter_ = _filled(rule, user, id)
            if filter_ is None or not matches(filter_, topic):
                continue
            if rule.right == "deny":
                return False
            granted = granted or rule.right in (right, "readwrite")
        return granted


def _filled(rule: Rule, user: str | None, id: str) -> str | None:
    """The filter of `rule` for this client; None if the rule is not for it."""
    if not rule.pattern:
        return rule.topic if rule.user == user else None
    filter_ = rule.topic
    for mark, value in (("%u", user), ("%c", id)):
        if mark in filter_:
            if not value or any(sign in value for sign in "+#/"):
                return None
            filter_ = filter_.replace(mark, value)
    return filter_


def parse_acl(text: str, path: str = "acl") -> tuple[Rule, ...]:
    """Rules from the text of a mosquitto `acl_file`; `ConfigError` names the line."""
    rules: list[Rule] = []
    user: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        keyword, rest = words[0], words[1].strip() if len(words) > 1 else ""
        if keyword == "user" and rest:
            user = rest
        elif keyword in ("topic", "pattern") and rest:
            right, topic = _right(rest)
            wrong = filter_fault(topic)
            if wrong is not None:
                raise ConfigError(path, number, keyword, wrong[1])
            pattern = keyword == "pattern"
            rules.append(Rule(topic, right, None if pattern else user, pattern))
        else:
            known = "`user NAME`, `topic [RIGHT] FILTER` or `pattern [RIGHT] FILTER`"
            raise ConfigError(path, number, keyword, f"is not {known}")
    return tuple(rules)


def _right(rest: str) -> tuple[Right, str]:
    first, _, topic = rest.partition(" ")
    if first in _RIGHTS and topic.strip():
        return cast("Right", first), topic.strip()
    return "readwrite", rest


def acl_text(rules: Iterable[Rule]) -> str:
    """The text of an `acl_file` with these rules."""
    lines = [f"topic {rule.right} {rule.topic}" for rule in rules if _open(rule)]
    for name in dict.fromkeys(r.user for r in rules if r.user is not None and not r.pattern):
        lines.append(f"user {name}")
        lines += [
            f"topic {rule.right} {rule.topic}"
            for rule in rules
            if not rule.pattern and rule.user == name
        ]
    lines += [f"pattern {rule.right} {rule.topic}" for rule in rules if rule.pattern]
    return "\n".join(lines) + "\n"


def _open(rule: Rule) -> bool:
    return not rule.pattern and rule.user is None
