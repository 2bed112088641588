"""The play of `sealtrail demo`, chapter by chapter."""

from __future__ import annotations

import shlex
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sealtrail.attacks import ATTACKS, Scene
from sealtrail.console import Output
from sealtrail.demo_office import opened_office, try_live_archive
from sealtrail.fetching import fetch
from sealtrail.narrator import Narrator
from sealtrail.report_text import verdict_reason
from sealtrail.story import ELEVATION, evening_of, the_day
from sealtrail.wording import NO_LOCK, NOT_WORM, plural, utc
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.layout import BATCHES
from sealtrail_schemas.policy import Policy, format_policy
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.seal_shelf import newest_seal
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from sealtrail.attacks import Attack
    from sealtrail.demo_office import Office
    from sealtrail_auditor.report import Report
    from sealtrail_transport.store import Store


class Play:
    """Plays it all in one folder: `office`, `auditor` (policy and head), `copy`, and a copy for each attack.

    Attributes:
        all_caught: Whether everything came out as it has to, so far.
    """

    def __init__(self, root: Path, output: Output, day: date) -> None:
        """Prepare to play a day in a new folder."""
        self.all_caught = True
        self._root = root
        self._output = output
        self._narrator = Narrator(output)
        self._day = the_day(day)
        self._evening = evening_of(self._day)
        # Entry 0 is the trail's own; the day's events follow in the order in which they were published.
        self._elevation = 1 + [deed.action for deed in self._day].index(ELEVATION)
        self._head: bytes | None = None
        self._baseline = Verdict.INTACT

    def run(self) -> None:
        """Play all chapters."""
        self._tell_day()
        with opened_office(self._root / "office", self._day) as office:
            self._tell_sealed(office)
            self._verify_live(office)
            self._try_live(office)
            fetch(office.store, self._root / "copy", [""], _silence())
        self._try_copies(office)

    def conclude(self, *, seconds: float, kept: Path | None) -> None:
        """Say what came of it, and what can be tried next."""
        tell = self._narrator
        tell.chapter("What to take along")
        if self.all_caught:
            tell.tell(
                "All four were caught, and their places named: two by anybody who holds the policy, two only "
                "because the auditor had kept a head, some two hundred bytes, where the office can't reach "
                "it. So keep one now and then, with `sealtrail verify --save-head`."
            )
            tell.tell(
                "None of this proves that an event was true when it was published, or that the services "
                "reported all that they should."
            )
        else:
            tell.tell(
                "Not everything came out as it should. That is a defect of sealtrail: please report it."
            )
        tell.gap()
        done = f"Done in {seconds:.0f} s."
        if kept is None:
            tell.tell(f"{done} `sealtrail demo --keep FOLDER` leaves everything behind for looking around.")
        else:
            tell.tell(f"{done} Everything is in {kept}; look around:")
            tell.gap()
            tell.table([[line] for line in self._next_commands(kept)])
        self._output.record(all_caught=self.all_caught, seconds=round(seconds, 1))

    def _tell_day(self) -> None:
        tell = self._narrator
        tell.chapter("The day")
        tell.tell(
            "Larch & Vale does the payroll of four small firms. Its services and its cloud account report "
            f"what is done as audit events, {len(self._day)} on this day. In the evening, when everybody has "
            "gone home:"
        )
        tell.gap()
        tell.table(
            [
                [f"{deed.moment:%H:%M}", deed.actor, deed.action, _object_of(deed.target), deed.outcome]
                for deed in self._evening
            ]
        )
        tell.gap()
        tell.tell(
            "Refused the partners' salaries, ops-2 becomes administrator, reads them, stops the cloud's "
            "logging, deletes the payroll's log and gives the rights back. The logs say nothing any more. "
            "Only the trail does."
        )

    def _tell_sealed(self, office: Office) -> None:
        tell = self._narrator
        [folder] = trail_folders(office.store)
        placed = newest_seal(office.store, folder, TrailKeys.only(office.signer.verifier))
        if placed is None:
            raise AssertionError("nothing was sealed")
        newest = placed.opened.seal
        tell.chapter("Chained and sealed")
        batches = plural(len(list(office.store.versions(folder + BATCHES))), "batch", "batches")
        tell.tell(
            f"Each event became an entry that carries the hash of the entry before: {newest.size} entries, "
            f"the first of them the trail's own, in {batches}. Each batch lies under a signed seal that "
            "covers all entries before it, too."
        )
        if newest.retention.until is None:
            tell.tell(f"This machine has no embedded store, so the archive is a plain folder. {NO_LOCK}.")
        else:
            until = utc(newest.retention.until)
            tell.tell(
                f"Until {until} the store lets nobody change or delete them. (This is the embedded store, "
                f"{NOT_WORM}. In production it is a bucket under Object Lock.)"
            )

    def _verify_live(self, office: Office) -> None:
        tell = self._narrator
        key = office.signer.verifier
        tell.chapter("Verified")
        tell.tell(
            "The auditor trusts one small file, the policy, and the key in it, which was compared with the "
            f"office over the telephone: {key.fingerprint}"
        )
        auditor = self._root / "auditor"
        auditor.mkdir()
        (auditor / "policy").write_bytes(format_policy([key]))
        report = self._verify(office.store)
        self._baseline = report.verdict
        expected = Verdict.UNPROTECTED if office.access is None else Verdict.INTACT
        self._expect("verified", report.verdict is expected, report)
        tell.gap()
        tell.verdict(report.verdict, [verdict_reason(report)])
        self._head = report.trails[0].head
        (auditor / "kept.head").write_bytes(self._head or b"")
        tell.gap()
        tell.tell(
            f"And the auditor keeps the head: the trail's size, {report.trails[0].size}, and one hash over "
            "all entries so far, signed."
        )

    def _try_live(self, office: Office) -> None:
        if office.access is None:
            return
        tell = self._narrator
        tell.chapter("Somebody tries the archive")
        tell.tell("With the office's own access key, at the file that holds the evening:")
        tell.gap()
        newest = [line for line in office.store.versions("") if line.key.endswith(".avro")][-1]
        attempts = try_live_archive(office, newest.key, newest.version_id, datetime.now(UTC))
        tell.table([[one.tried, "refused" if one.refused else "DONE"] for one in attempts])
        for one in attempts:
            self.all_caught = self.all_caught and one.refused
            self._output.record(step="live", tried=one.tried, refused=one.refused)
        tell.gap()
        tell.tell("A lock binds whoever goes through the store. Whoever has the disks does not ask it.")

    def _try_copies(self, office: Office) -> None:
        tell = self._narrator
        tell.chapter("Somebody tries the files")
        tell.tell(
            "The archive is fetched to a folder, and somebody who can change every byte is let loose on four "
            "copies of it. Each is then verified."
        )
        untouched = self._verify(FolderStore(self._root / "copy"))
        self._expect("fetched", untouched.verdict is self._baseline, untouched)
        for attack in ATTACKS:
            shutil.copytree(self._root / "copy", self._root / attack.name)
            attack.apply(self._scene(office, attack.name))
            self._judge(attack)

    def _judge(self, attack: Attack) -> None:
        tell = self._narrator
        tell.section(attack.title)
        tell.tell(attack.story)
        tell.gap()
        store = FolderStore(self._root / attack.name)
        if attack.head_needed:
            trusting = self._verify(store)
            self._expect(f"{attack.name} without head", trusting.verdict is self._baseline, trusting)
            tell.verdict(trusting.verdict, ["no sign of it"], who="without the head")
        report = self._verify(store, pinned=attack.head_needed)
        finding = next((one for one in report.all_findings() if one.code is attack.caught_by), None)
        self._expect(attack.name, finding is not None and report.verdict is attack.caught_by.verdict, report)
        reasons = [verdict_reason(report)]
        if finding is not None:
            reasons = [finding.code.title, f"{finding.code.code}, {finding.span}", finding.key or ""]
        tell.verdict(report.verdict, reasons, who="with the head" if attack.head_needed else "")

    def _scene(self, office: Office, name: str) -> Scene:
        first = 1 + self._day.index(self._evening[0])
        seal = next((self._root / name).glob("*/*/*/seals/*"))
        evening = range(first, first + len(self._evening))
        return Scene(seal.parents[1], office.signer, evening, self._elevation)

    def _verify(self, store: Store, *, pinned: bool = False) -> Report:
        policy = Policy.parse((self._root / "auditor" / "policy").read_bytes())
        heads = [self._head] if pinned and self._head else []
        return verify_archive(store, policy, pinned=heads, now=datetime.now(UTC))

    def _expect(self, step: str, right: bool, report: Report) -> None:
        self.all_caught = self.all_caught and right
        findings = sorted({finding.code.code for finding in report.all_findings()})
        self._output.record(step=step, verdict=report.verdict, findings=findings, as_expected=right)

    def _next_commands(self, kept: Path) -> list[str]:
        trusting = "--policy auditor/policy"
        return [
            f"cd {shlex.quote(str(kept))}",
            f"sealtrail show copy {trusting} {self._elevation}",
            *(
                f"sealtrail verify {name} {trusting} --head auditor/kept.head"
                for name in ("copy", *(attack.name for attack in ATTACKS))
            ),
        ]


def _silence() -> Output:
    """No progress bar: everything here is done in a moment."""
    output = Output()
    output.quiet = True
    return output


def _object_of(target: str) -> str:
    """What was done to what: of a call to the cloud, its first parameter."""
    return target.split(" ", maxsplit=1)[0].partition("=")[2] or target
