"""Which actions an investigator looks at first. A guess from an action's name, never a judgement."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final


class Mark(Enum):
    """Why a step stands out, from the most to the least telling."""

    WATCHING = "watching stopped or changed"
    RIGHTS = "rights gained or given"
    SECRETS = "secrets read"
    REMOVED = "something removed"


# Names of actions come as `service:VerbNoun` (IAM's convention), or in a service's own words: `user.grant`,
# `audit_log.disable`. They are held against these patterns as lower-case words with one space between:
# `cloudtrail:DeleteTrail` as "cloudtrail delete trail". The calls are those that MITRE ATT&CK for cloud names
# under T1562.008 (disable or modify cloud logs), T1098 (account manipulation), T1136.003 (create cloud
# account), T1548.005 (temporary elevated access), T1537 (transfer to a cloud account), T1555.006 (secrets
# management stores) and T1485 (data destruction).
_WATCHING: Final = r"""
    (start|stop|disable|enable|suspend)\ (\w+\ )?logging
    | (start|stop|create|update|delete|disable)\ (trail|detector|flow\ logs|event\ data\ store)
    | (stop|delete|put)\ (configuration|delivery)\ (recorder|channel) | put\ event\ selectors
    | (put|delete)\ (bucket\ (logging|lifecycle)|retention\ policy) | (delete|disable)\ alarm
    | disable\ security\ hub | leave\ organization
    | (stop|disable|delete|purge|clear|truncate|suspend|pause)\ (\w+\ )?
      (audit|logs?|logging|monitoring|alerts?)
    | (audit|logs?|logging|monitoring|alerts?)\ (\w+\ )?
      (stop(ped)?|(disable|delete|purge|truncate|pause)d?|(clear|suspend)(ed)?)
"""
_RIGHTS: Final = r"""
    (attach|put)\ (user|role|group|bucket|resource|key|access\ point)\ (\w+\ )?policy
    | (put|create|set)\ (bucket|object)\ (acl|grant) | (create|update)\ (access\ key|login\ profile)
    | create\ (user|role|policy\ version|service\ specific\ credential|grant|profile|trust\ anchor)
    | set\ default\ policy\ version | add\ (user\ to\ group|role\ to\ instance\ profile|permission)
    | update\ assume\ role\ policy | assume\ role(\ with\ (saml|web\ identity))?
    | get\ (federation|session)\ token | modify\ (\w+\ )?(image|snapshot)\ attribute
    | authorize\ security\ group\ (ingress|egress) | (grant|elevate|promote|sudo|impersonate)(e?d)?
    | (add|assign|give)(ed)?\ (role|member|admin|permission|right|access|key)s?
    | (role|member|admin|permission|right|access|key)s?\ (add|assign)(ed)?
"""
_SECRETS: Final = r"""
    get\ (secret\ value|parameters?(\ by\ path|\ history)?|password\ data)$ | batch\ get\ secret\ value
    | decrypt
    | (read|reveal|export|view|download|get)\ (secret|password|credential|private\ key|api\ key)s?$
    | (secret|password|credential|private\ key|api\ key)s?\ (read|reveal|export|view|download)(ed)?
"""
_REMOVED: Final = r"(delete|terminate|remove|destroy|purge|drop|deregister|erase|wipe|truncate)(p?e?d)?"

_MARKS: Final = tuple(
    (mark, re.compile(rf"(?x) \b (?: {pattern} ) \b"))
    for mark, pattern in (
        (Mark.WATCHING, _WATCHING),
        (Mark.RIGHTS, _RIGHTS),
        (Mark.SECRETS, _SECRETS),
        (Mark.REMOVED, _REMOVED),
    )
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_LOOKING: Final = frozenset(
    {
        "get",
        "list",
        "describe",
        "head",
        "lookup",
        "search",
        "view",
        "read",
        "query",
        "scan",
        "select",
        "fetch",
    }
    | {"check", "show", "find", "count"}
)


@lru_cache(maxsize=4096)
def mark_of(action: str | None) -> Mark | None:
    """The most telling mark of an action; None where nothing about its name stands out."""
    words = " ".join(_words(action or ""))
    marks = (mark for mark, pattern in _MARKS if pattern.search(words))
    if only_looks(action):
        marks = (mark for mark in marks if mark is Mark.SECRETS)
    return next(marks, None)


@lru_cache(maxsize=4096)
def only_looks(action: str | None) -> bool:
    """Whether an action changes nothing, by its name: `ec2:DescribeVpcs`, `document.read`."""
    words = _words((action or "").rpartition(":")[2])
    if not words or words[-1] == "token":  # whoever gets a token has gained more than knowledge
        return False
    return words[0] in _LOOKING or words[-1] in _LOOKING


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
