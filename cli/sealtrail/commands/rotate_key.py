"""`sealtrail rotate-key`: give trails new keys, signed for by the old ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from sealtrail.console import current_output, output_options
from sealtrail.help_text import examples
from sealtrail.onward_options import onward_options
from sealtrail.onward_run import Way, take_way
from sealtrail.rotation import begin_rotation, keep_new_key, switch
from sealtrail_archiver.onward import change_key
from sealtrail_chainer.ways import look_for_key_change

if TYPE_CHECKING:
    from sealtrail.onward_options import OnwardChoice
    from sealtrail_archiver.onward import Site
    from sealtrail_chainer.control_append import Place, Stated
    from sealtrail_chainer.errors import StopCode

_QUESTION = "Another key signs then, and auditors need the new policy. Are the trails' services stopped?"


@click.command(
    epilog=examples(
        "sealtrail rotate-key --dry-run",
        "sealtrail rotate-key",
        'sealtrail rotate-key --trail payments/0 --reason "the operator who had it left"',
    )
)
@onward_options
@output_options
def command(onward: OnwardChoice) -> None:
    """Give trails new signing keys.

    A control entry, signed by the old key and the new one, states the change. The old key seals up to it,
    the new one all behind. The change lies locked in the archive, too, so that whoever trusts one of the two
    keys finds the other. Then policy and key file name the new one.

    Stop the trail's services before: a chainer that runs is fenced; an archiver that has the old key seals
    nothing more and ends with exit 2. Copy the new key and policy to where they run. A run that was cut
    short is completed by the next one.

    Auditors may go on with the old policy for a while; the new one is safer: whoever stole an old key can
    change it for one of their own. The old key is kept beside the new one; delete it once no auditor trusts
    it any more, for nothing else needs it.
    """
    output = current_output()
    folder = onward.folder
    choice = replace(onward, reason=onward.reason or "change of keys")
    with choice.opened("rotate-key") as (log, store):
        rotations = {trail.origin: begin_rotation(folder, trail) for trail in choice.chosen_trails()}

        def look(site: Site, _: StopCode | None) -> Stated | Place:
            new = rotations[site.trail.origin].new.verifier
            return look_for_key_change(site.log, site.store, site.trail, new)

        def act(site: Site, _: StopCode | None, reason: str) -> Stated:
            rotation = rotations[site.trail.origin]
            keep_new_key(folder, rotation)
            stated = change_key(site, rotation.new, reason=reason)
            kept = switch(folder, rotation)
            output.say(f"The old key is kept as {escape(str(kept))}.")
            return stated

        sites = [choice.site(log, store, rotation.trail, rotation.old) for rotation in rotations.values()]
        way = Way("rotate-key", frozenset(), look, lambda: None, act, question=_QUESTION)
        take_way(choice, way, sites)
    if not choice.dry_run:
        output.say(
            f"Hand {escape(str(folder.policy))} out to auditors again, and tell them the new fingerprints by "
            f"another way. Back up {escape(str(folder.keys))}."
        )
