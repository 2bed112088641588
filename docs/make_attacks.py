#!/usr/bin/env python3
"""Write docs/attacks.md by carrying out the attack corpus; --check only says whether that would change it."""

from __future__ import annotations

import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attacks.attack import Attack

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "attacks.md"

sys.path.insert(0, str(ROOT / "tests"))
attack_module, controls, corpus = (
    import_module(f"attacks.{name}") for name in ("attack", "controls", "corpus")
)

INTRO = """\
<!-- Made by docs/make_attacks.py, which carries out the attacks of tests/attacks: change those. -->

# Attacks

What can be done to an archive, and who says something to it. Each line was carried out when this page was
made, on a trail of three sealed batches. The tests carry it out as well, and hold `sealtrail verify` to
naming the right object and the right entries.

Who can do it:

| | |
|---|---|
| writer | has the bucket's credentials, but for what Object Lock forbids |
| store | works below the interface of the store: its disks, its provider's account; no lock holds there |
| chainer | controls the chainer, or can write to the chained topic, without the trail's key |
| key | holds the trail's key, or one that it had before, and either comes before the lock or works below it |

Who says something:

| | |
|---|---|
| sealtrail | `sealtrail verify` with the policy, and a kept head or greatest age where it takes one |
| chain | a verifier that follows the chain through the newest files: sequences, links, hashes of payloads |
| seals | one that also holds each batch against a signed seal, and each seal against the one before |

The codes are explained in [findings](findings.md). The two other verifiers are in
`tests/attacks/controls.py`; they stand for logs that are hash-chained, and for such logs with signed files.
Where a column is empty, the attack passed that verifier.
"""

COUNT = """
Of {attacks} attacks, which give {codes} codes, sealtrail sees all; the chain alone misses {chain}, and chain
and seals together miss {seals}.
"""

NOT_SEEN = """
## What is no finding

The first two change nothing that has to be there. The others leave an archive that is whole in itself: only
who kept a head from behind the change can see them, so the more often one is kept, and elsewhere, the less
is left to lose (`--save-head`). `--max-age` sees a trail that ends too early, and whoever trusts the new key
sees the last one. `sealtrail verify` says what it did not check.

| what | who | chain | seals |
|---|---|---|---|
"""

SHARING = """
## Attacks that share a code

An attack has a code of its own where the bytes that it leaves behind tell it from the others. Where they do
not, the finding's place, and what was expected and found, say what can be said.

"""

TABLE = "\n| attack | who | sealtrail | chain | seals |\n|---|---|---|---|---|\n"


def make_page() -> str:
    """The text of docs/attacks.md.

    Raises:
        ValueError: sealtrail did not see an attack, or saw another one.
    """
    missed = {"chain": 0, "seals": 0}
    chapters = []
    for chapter in corpus.CHAPTERS:
        rows = "".join(_row(attack, missed) for attack in chapter.attacks)
        chapters.append(f"\n## {chapter.title}\n{TABLE}{rows}")
    unseen = "".join(_row(attack, {"chain": 0, "seals": 0}) for attack in corpus.UNSEEN)
    count = COUNT.format(
        attacks=len(corpus.ATTACKS), codes=len({attack.code for attack in corpus.ATTACKS}), **missed
    )
    return INTRO + count + "".join(chapters) + NOT_SEEN + unseen + SHARING + _shared()


def _row(attack: Attack, missed: dict[str, int]) -> str:
    trail, arguments = attack.commit()
    found = {finding.code for finding in attack_module.judge(trail, arguments).all_findings()}
    if found != ({attack.code, *attack.also} if attack.code else set()):
        raise ValueError(f"{attack.name}: found {sorted(code.code for code in found)}")
    seen = {"chain": not controls.chain_fits(trail), "seals": not controls.chain_and_seals_fit(trail)}
    for control, sees in seen.items():
        missed[control] += not sees
    code = f"| [{attack.code.code}](findings.md#{attack.code.code.lower()}) " if attack.code else ""
    marks = " | ".join("seen" if sees else "" for sees in seen.values())
    return f"| {attack.name} | {attack.power.value} {code}| {marks} |\n"


def _shared() -> str:
    lines = (f"- **{code.code}**: {reason}" for code, reason in corpus.SHARED.items())
    return "".join(
        textwrap.fill(line, width=110, subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for line in lines
    )


def main(arguments: list[str]) -> int:
    """Write the page, or check it; returns the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python docs/make_attacks.py [--check]\n")
        return 2
    page = make_page()
    if not arguments:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.stderr.write(f"{PAGE} is out of date: run python docs/make_attacks.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
