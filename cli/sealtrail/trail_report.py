"""What `init` and `up --reset` tell about a data folder: trails, keys to compare, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.markup import escape

from sealtrail.data_folder import DEFAULT_DATA
from sealtrail.durations import format_duration
from sealtrail.wording import describe_archive, plural

if TYPE_CHECKING:
    from sealtrail.console import Output
    from sealtrail.data_folder import DataFolder


def report_trails(output: Output, folder: DataFolder, *, made: bool) -> None:
    """Tell what there is, and if it was `made` just now, what to do next."""
    deployment = folder.deployment()
    keys = [signer.verifier for _, signer in folder.trails()]
    output.record(
        made=made,
        data=str(folder.root),
        policy=str(folder.policy),
        archive=deployment.archive,
        retention=format_duration(deployment.retention) if deployment.retention else None,
        topic=deployment.topic,
        chained_topic=deployment.chained_topic,
        trails=[{"origin": key.name, "vkey": key.vkey, "fingerprint": key.fingerprint} for key in keys],
    )
    begun = "Begun" if made else "Nothing to do: there is already"
    trails = "a trail" if len(keys) == 1 else plural(len(keys), "trail")
    output.result(f"{begun} {trails} in [bold]{escape(str(folder.root))}[/]\n")
    for key in keys:
        output.result(f"  trail     [bold]{escape(key.name)}[/]\n  key       {key.fingerprint}")
    output.result(f"  topics    {deployment.topic} → {deployment.chained_topic}")
    output.result(f"  archive   {escape(describe_archive(deployment))}")
    output.result(f"  policy    {escape(str(folder.policy))}\n")
    if made:
        _advise(output, folder)


def _advise(output: Output, folder: DataFolder) -> None:
    data = "" if folder.root == DEFAULT_DATA else f" --data {shlex.quote(str(folder.root))}"
    commands = (
        (f"sealtrail produce{data} FILE…", "publish events, as JSON lines"),
        (f"sealtrail up{data}", "chain and seal them, until Ctrl-C"),
        (f"sealtrail verify{data}", "check the archive"),
    )
    width = max(len(command) for command, _ in commands)
    lines = "\n".join(f"  [bold]{escape(command.ljust(width))}[/]   {what}" for command, what in commands)
    output.say(
        "Hand the policy to whoever is to verify, and tell them the key by another way, to be compared.\n"
        f"Back up {escape(str(folder.keys))} and keep it secret: who has a key can sign another history.\n\n"
        f"Next:\n{lines}"
    )
