"""What `init` and `up --reset` tell about a data folder: trails, keys to compare, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.markup import escape

from sealtrail.data_folder import DEFAULT_DATA
from sealtrail.durations import format_duration
from sealtrail.wording import describe_archive, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail.console import Output
    from sealtrail.data_folder import DataFolder


def report_trails(output: Output, folder: DataFolder, *, made: bool, added: Sequence[str] = ()) -> None:
    """Tell what there is, which trails were `added`, and if all was `made` just now, what to do next."""
    deployment = folder.deployment()
    keys = [signer.verifier for _, signer in folder.trails()]
    output.record(
        made=made,
        added=list(added),
        data=str(folder.root),
        policy=str(folder.policy),
        log=deployment.log,
        archive=deployment.archive,
        retention=format_duration(deployment.retention) if deployment.retention else None,
        topic=deployment.topic,
        chained_topic=deployment.chained_topic,
        trails=[{"origin": key.name, "vkey": key.vkey, "fingerprint": key.fingerprint} for key in keys],
    )
    output.result(f"{_headline(made, added, len(keys))} in [bold]{escape(str(folder.root))}[/]\n")
    for key in keys:
        output.result(f"  trail     [bold]{escape(key.name)}[/]\n  key       {key.fingerprint}")
    output.result(f"  topics    {deployment.topic} → {deployment.chained_topic}")
    if deployment.is_kafka:
        output.result(f"  log       {escape(deployment.log)}")
    output.result(f"  archive   {escape(describe_archive(deployment))}")
    output.result(f"  policy    {escape(str(folder.policy))}\n")
    if made:
        _advise(output, folder, is_kafka=deployment.is_kafka)
    elif added:
        output.say("Hand the policy out again: it has more trails now. Back up the new keys.")


def _headline(made: bool, added: Sequence[str], trails: int) -> str:
    all_of_them = "a trail" if trails == 1 else plural(trails, "trail")
    if made:
        return f"Begun {all_of_them}"
    if added:
        return f"Added {plural(len(added), 'trail')} to make {trails}"
    return f"Nothing to do: there is already {all_of_them}"


def _advise(output: Output, folder: DataFolder, *, is_kafka: bool) -> None:
    data = "" if folder.root == DEFAULT_DATA else f" --data {shlex.quote(str(folder.root))}"
    embedded = ((f"sealtrail up{data}", "chain and seal them, until Ctrl-C"),)
    services = (
        (f"sealtrail chain{data}", "chain them, as a service"),
        (f"sealtrail archive{data}", "seal what is chained, as another"),
    )
    commands = (
        (f"sealtrail produce{data} FILE…", "publish events, as JSON lines"),
        *(services if is_kafka else embedded),
        (f"sealtrail verify{data}", "check the archive"),
    )
    width = max(len(command) for command, _ in commands)
    lines = "\n".join(f"  [bold]{escape(command.ljust(width))}[/]   {what}" for command, what in commands)
    output.say(
        "Hand the policy to whoever is to verify, and tell them the key by another way, to be compared.\n"
        f"Back up {escape(str(folder.keys))} and keep it secret: who has a key can sign another history.\n\n"
        f"Next:\n{lines}"
    )
