"""The catalogue of findings: every way in which an archive can differ from what was sealed.

Codes are frozen once published: scripts and reports refer to them. `docs/findings.md` is made from this.
"""

from __future__ import annotations

from enum import Enum

from sealtrail_auditor.verdict import Verdict


class FindingCode(Enum):
    """One kind of finding.

    Attributes:
        code: What scripts refer to, `ST-<what it is about>-<what is wrong with it>`.
        verdict: The verdict that one such finding alone leads to.
        title: What was found, in a clause.
        meaning: What that means, for a reader who has not built the system.
        advice: What to do next.
    """

    code: str
    verdict: Verdict
    title: str
    meaning: str
    advice: str

    def __init__(self, code: str, verdict: Verdict, title: str, meaning: str, advice: str) -> None:
        self.code = code
        self.verdict = verdict
        self.title = title
        self.meaning = " ".join(meaning.split())
        self.advice = " ".join(advice.split())

    # The archive as a whole

    ARCHIVE_EMPTY = (
        "ST-ARCHIVE-EMPTY",
        Verdict.INCOMPLETE,
        "there is no trail in the archive",
        """Nothing that looks like a trail lies at this address, so there is nothing to verify. Either the
        address is wrong, or everything was removed.""",
        "Check the address, the prefix and your read permissions first.",
    )
    TRAIL_ABSENT = (
        "ST-TRAIL-ABSENT",
        Verdict.INCOMPLETE,
        "a trail that was to be verified is not in the archive",
        """The policy names this trail, and the archive holds nothing of it. The policy may belong to another
        archive, or the whole trail is gone.""",
        """Compare the trails expected with the trails found. If the policy is the right one, look for the
        trail in the provider's access logs.""",
    )
    TRAIL_UNNAMED = (
        "ST-TRAIL-UNNAMED",
        Verdict.UNVERIFIABLE,
        "the archive holds a trail that the policy does not name",
        """Without its key from a source you trust, nothing can be said about this trail: anybody could have
        written it.""",
        """Ask the operator for the trail's policy line and compare its fingerprint over another channel, or
        select the trails that you mean to verify.""",
    )
    TRAIL_UNSEALED = (
        "ST-TRAIL-UNSEALED",
        Verdict.INCOMPLETE,
        "a trail has no valid seal",
        """Nothing in this folder is vouched for. That is normal for the first minutes of a new trail; later
        it means that the seals are gone or were never made.""",
        """If the trail is new, verify again after the first batch was sealed. Otherwise ask why there are no
        seals.""",
    )
    TRAIL_FORKED = (
        "ST-TRAIL-FORKED",
        Verdict.TAMPERED,
        "one key has signed two histories",
        """Two trails of the same name exist side by side and the later one does not say that it continues the
        earlier one. Whoever holds the key can show either as the truth.""",
        "Find out who made the second trail and when. Treat the key as misused until that is explained.",
    )
    TRAIL_PREDECESSOR = (
        "ST-TRAIL-PREDECESSOR",
        Verdict.TAMPERED,
        "a trail does not go on from the trail that it names",
        """The first entry of the trail states where the trail before it ended. That one ends elsewhere:
        entries were added to it or removed from it since, or it is another one.""",
        """Hold the two trails against older copies, and ask the operator when the one ended and the other
        began.""",
    )
    TRAIL_STALE = (
        "ST-TRAIL-STALE",
        Verdict.INCOMPLETE,
        "the newest entry is older than allowed",
        """A running trail writes an entry every few minutes even when nothing happens. So either the trail
        has stopped, or its newest part was cut off.""",
        "Check whether chainer and archiver run. If they do, what they wrote since has been removed.",
    )
    FRONT_MISSING = (
        "ST-FRONT-MISSING",
        Verdict.INCOMPLETE,
        "the beginning of a trail is missing",
        """Entries at the start of the trail are gone although the time for which they had to be kept has not
        passed.""",
        "Look for the missing batches and seals in another copy. Ask who could delete them.",
    )

    # Seals

    SEAL_MISSING = (
        "ST-SEAL-MISSING",
        Verdict.INCOMPLETE,
        "seals are missing inside a trail",
        """The next seal continues from entries for which no valid seal is left. What they recorded can't be
        vouched for.""",
        "Look for the missing seals in another copy of the archive.",
    )
    SEAL_DAMAGED = (
        "ST-SEAL-DAMAGED",
        Verdict.TAMPERED,
        "a seal is not as it was signed",
        """The signed statement about a batch was changed or replaced: its signature does not fit its text, or
        it is no seal at all.""",
        """Fetch the object from another copy. A change below the storage interface leaves no trace in the
        store's own logs, so ask the provider as well.""",
    )
    SEAL_EMPTY = (
        "ST-SEAL-EMPTY",
        Verdict.TAMPERED,
        "a seal is an empty file",
        "The file has the right name and no content.",
        "Fetch the file from another copy. If this is a copy itself, copy it again.",
    )
    SEAL_TRUNCATED = (
        "ST-SEAL-TRUNCATED",
        Verdict.TAMPERED,
        "a seal was cut off",
        """The file begins as a seal and ends before its signature does. Interrupted copies look like this,
        and so does cutting on purpose.""",
        "Fetch the file from another copy. If this is a copy itself, copy it again.",
    )
    SEAL_FORGED = (
        "ST-SEAL-FORGED",
        Verdict.TAMPERED,
        "a seal is signed by another key than the trail's",
        """Other seals of the trail are signed by the key that you trust; this one is signed under the trail's
        name by another, and no statement of a key change leads to that one. Somebody made a seal of their
        own, or the operator changed the key without saying so in the trail.""",
        """Fetch the object from another copy, and ask the operator whether the key was changed. Do not put
        the other key into your policy before that is explained.""",
    )
    SEAL_KEY_TURN = (
        "ST-SEAL-KEY-TURN",
        Verdict.TAMPERED,
        "a seal is signed by a key of the trail whose turn it was not",
        """The trail's key was changed, and this seal is signed by a key that had been replaced before it, or
        that was taken up behind it. Whoever still holds a replaced key can make such seals.""",
        """Ask the operator who holds the trail's old keys, and whether an archiver still ran with one. Trust
        the newest key only.""",
    )
    SEAL_UNSOUND = (
        "ST-SEAL-UNSOUND",
        Verdict.TAMPERED,
        "a seal with a good signature contradicts itself",
        """Its signature is the trail's, but its parts do not fit each other or are not in the form of a seal:
        size, checkpoint, Merkle tree. An honest archiver can't have made this seal.""",
        "Treat the archiver and the trail's key as misused until this is explained.",
    )
    SEAL_KEY = (
        "ST-SEAL-KEY",
        Verdict.UNVERIFIABLE,
        "seals are signed by a key that the policy does not name",
        """The seals of this trail are not signed by the key you trust, nor by one to which it leads. The
        policy may be out of date: a trail that stopped may go on in another one under another key. Or
        somebody else signed them.""",
        """Ask the operator for the policy of today, and compare the key's fingerprint with them over another
        channel.""",
    )
    SEAL_FORMAT = (
        "ST-SEAL-FORMAT",
        Verdict.UNVERIFIABLE,
        "a seal is of a format that this program does not know",
        "The seal says that it was made by a newer version. This program can't judge it.",
        "Verify with a newer version of sealtrail.",
    )
    SEAL_SWAPPED = (
        "ST-SEAL-SWAPPED",
        Verdict.TAMPERED,
        "a seal lies under the name of another",
        """The seal is genuine, but it is not the one that belongs at this place: objects were exchanged or
        copied.""",
        "Fetch both objects from another copy and find out who exchanged them.",
    )
    SEAL_FOREIGN = (
        "ST-SEAL-FOREIGN",
        Verdict.TAMPERED,
        "a seal of another trail lies in this one",
        """The seal belongs to a different trail. Files of two trails were mixed, by mistake or to hide
        something.""",
        "Fetch this trail's own object from another copy and find out who exchanged them.",
    )
    SEAL_REPLAYED = (
        "ST-SEAL-REPLAYED",
        Verdict.TAMPERED,
        "a seal of another trail of the same name lies in this one",
        """The seal is genuine and of the key that you trust, but it was made for another trail of this name:
        an earlier or later one, or one in another archive. It was put here to stand for something else.""",
        "Find the trail that it belongs to, and fetch this trail's own object from another copy.",
    )
    SEAL_CHAIN = (
        "ST-SEAL-CHAIN",
        Verdict.TAMPERED,
        "a seal does not follow on the one before",
        """Each seal names the seal before it. This one names another than the one that is here, so one of the
        two is not of this history. Only the holder of the key can have made both.""",
        "Compare both seals with another copy. Treat the key as misused until this is explained.",
    )
    SEAL_FORKED = (
        "ST-SEAL-FORKED",
        Verdict.TAMPERED,
        "two seals of one trail contradict each other",
        """Two statements with good signatures can't both be true of one history. This is proof that the key
        has signed two histories.""",
        "Keep both objects: they are evidence. Treat the key as misused.",
    )
    SEAL_BACKDATED = (
        "ST-SEAL-BACKDATED",
        Verdict.UNPROTECTED,
        "a seal promises a shorter retention than the one before",
        "The date until which objects are kept must never go back along a trail. From here on it did.",
        "Ask the operator whether the retention was changed, and why.",
    )
    SEAL_CONTENT = (
        "ST-SEAL-CONTENT",
        Verdict.TAMPERED,
        "a seal states something else than its batch holds",
        """The batch is the one that was sealed, but first or last entry or their times are not what the seal
        says. An honest archiver can't have made this seal.""",
        "Treat the archiver and the trail's key as misused until this is explained.",
    )
    SEAL_ROOT = (
        "ST-SEAL-ROOT",
        Verdict.TAMPERED,
        "a signed checkpoint does not fit the entries",
        """The root recomputed from all entries up to here differs from the one that was signed: the entries
        here are not those that the checkpoint committed to.""",
        "Treat the trail's key as misused until this is explained; compare with another copy.",
    )

    # Batches

    BATCH_MISSING = (
        "ST-BATCH-MISSING",
        Verdict.INCOMPLETE,
        "a sealed batch is gone",
        """A seal vouches for entries whose file is no longer there, although it had to be kept until a date
        that has not passed.""",
        "Look for the batch in another copy; its seal tells whether what you find is genuine.",
    )
    BATCH_SUBSTITUTED = (
        "ST-BATCH-SUBSTITUTED",
        Verdict.INCOMPLETE,
        "a sealed batch is gone, and something else lies under its name",
        """The version that was sealed is no longer there, although it had to be kept until a date that has
        not passed. What lies in its place is other content.""",
        """Look for the batch in another copy; its seal tells whether what you find is genuine. Find out who
        put the other object there.""",
    )
    BATCH_EMPTY = (
        "ST-BATCH-EMPTY",
        Verdict.TAMPERED,
        "a sealed batch is an empty file",
        "The file has the right name and no content.",
        "Fetch the file from another copy. If this is a copy itself, copy it again.",
    )
    BATCH_TRUNCATED = (
        "ST-BATCH-TRUNCATED",
        Verdict.TAMPERED,
        "a sealed batch was cut off",
        """The file ends before its last entry. Interrupted copies look like this, and so does cutting on
        purpose.""",
        "Fetch the file from another copy. If this is a copy itself, copy it again.",
    )
    BATCH_FOREIGN = (
        "ST-BATCH-FOREIGN",
        Verdict.TAMPERED,
        "a batch of another trail lies in the place of a sealed one",
        """The file belongs to a different trail. Files of two trails were mixed, by mistake or to hide
        something.""",
        "Fetch this trail's own file from another copy and find out who exchanged them.",
    )
    BATCH_SWAPPED = (
        "ST-BATCH-SWAPPED",
        Verdict.TAMPERED,
        "a batch lies in the place of another one of its trail",
        "The file holds entries of this trail, but of another place in it: files were exchanged or copied.",
        "Fetch the file from another copy and find out who exchanged them.",
    )
    BATCH_DAMAGED = (
        "ST-BATCH-DAMAGED",
        Verdict.TAMPERED,
        "a sealed batch is not as it was sealed",
        "The file's bytes differ from those that were sealed, and it can't be read as a batch to its end.",
        "Fetch the file from another copy; its seal tells whether what you find is genuine.",
    )
    BATCH_REENCODED = (
        "ST-BATCH-REENCODED",
        Verdict.TAMPERED,
        "a batch was written anew, with the entries that were sealed",
        """The file's bytes differ from those that were sealed, but every entry in it is the sealed one:
        nothing that was recorded is lost or changed. Tools that read and write Avro files do this.""",
        "Find out what wrote the file again. Fetch the sealed file from another copy.",
    )
    BATCH_REWRITTEN = (
        "ST-BATCH-REWRITTEN",
        Verdict.TAMPERED,
        "entries of a batch were replaced, and the chain computed anew",
        """The entries follow on each other as they should, but they do not lead to the entry that was sealed
        as the last one. Somebody changed entries and repaired the chain behind them, which needs no key.
        Where in the file that began can't be said.""",
        "Fetch the batch from another copy and compare the entries.",
    )
    BATCH_FORMAT = (
        "ST-BATCH-FORMAT",
        Verdict.UNVERIFIABLE,
        "a batch can't be read by this program",
        "The file is the one that was sealed, but it is not in a form that this program reads.",
        "Verify with a newer version of sealtrail.",
    )
    BATCH_REPLACED = (
        "ST-BATCH-REPLACED",
        Verdict.UNPROTECTED,
        "the store says that a batch was written at another time than sealed",
        """The bytes are right, but the object was written again after it had been sealed. A lock that was
        kept does not allow that.""",
        "Ask the storage provider how a locked object could be written again.",
    )
    BATCH_VERSION = (
        "ST-BATCH-VERSION",
        Verdict.UNPROTECTED,
        "the sealed version of a batch is gone; another one has the same bytes",
        """Nothing of the content is lost, but the version that was locked is not there any more: the archive
        was copied, or the locked version was removed.""",
        "If this is a copy, verify the original, or make the copy with `sealtrail fetch`.",
    )

    # Entries

    ENTRY_PAYLOAD = (
        "ST-ENTRY-PAYLOAD",
        Verdict.TAMPERED,
        "an event was changed",
        "The event's content is not what was recorded: it no longer fits the fingerprint in its own entry.",
        "Fetch the batch from another copy to see what the event was.",
    )
    ENTRY_LEAF = (
        "ST-ENTRY-LEAF",
        Verdict.TAMPERED,
        "the record about an event was changed",
        """The part of the entry that fixes its order, time and fingerprint is not readable or breaks its own
        rules.""",
        "Fetch the batch from another copy to see what the entry was.",
    )
    ENTRY_LINK = (
        "ST-ENTRY-LINK",
        Verdict.TAMPERED,
        "the chain between two entries is broken",
        """Each entry carries the fingerprint of the one before. Here they do not fit: one of the two was
        changed.""",
        "Fetch the batch from another copy to see which of the two was changed.",
    )
    ENTRY_MISSING = (
        "ST-ENTRY-MISSING",
        Verdict.TAMPERED,
        "entries were taken out of a batch",
        "The numbering of the entries jumps inside a file: somebody removed entries from it.",
        "Fetch the batch from another copy to see what was removed.",
    )
    ENTRY_REPEATED = (
        "ST-ENTRY-REPEATED",
        Verdict.TAMPERED,
        "an entry stands in a batch twice",
        "An entry was copied inside a file.",
        "Fetch the batch from another copy.",
    )
    ENTRY_ORDER = (
        "ST-ENTRY-ORDER",
        Verdict.TAMPERED,
        "entries of a batch are out of order",
        "The entries are there but not in the order in which they were recorded.",
        "Fetch the batch from another copy.",
    )
    ENTRY_EXTRA = (
        "ST-ENTRY-EXTRA",
        Verdict.TAMPERED,
        "a batch holds more entries than were sealed",
        "Entries were added at the end of a file after it had been sealed.",
        "Fetch the batch from another copy.",
    )
    ENTRY_FOREIGN = (
        "ST-ENTRY-FOREIGN",
        Verdict.TAMPERED,
        "an entry of another trail stands in a batch",
        "The entry was recorded in a different trail and put here.",
        "Fetch the batch from another copy.",
    )
    ENTRY_TIME = (
        "ST-ENTRY-TIME",
        Verdict.TAMPERED,
        "an entry is dated before the one it follows on",
        "The time of chaining never goes back along a trail. An honest chainer can't have written this.",
        "Treat the chainer and the trail's key as misused until this is explained.",
    )
    ENTRY_SOURCE = (
        "ST-ENTRY-SOURCE",
        Verdict.TAMPERED,
        "an entry goes back in the source",
        """Records are taken from the source in their order, each once. This entry states a place there that
        the trail had already passed. An honest chainer can't have written this.""",
        "Treat the chainer and the trail's key as misused until this is explained.",
    )
    ENTRY_RULE = (
        "ST-ENTRY-RULE",
        Verdict.TAMPERED,
        "an event is written down in a form that the chainer does not use",
        """There is one way to write down an event, and this is another: two texts could stand for the same
        event. An honest chainer can't have written this.""",
        "Treat the chainer and the trail's key as misused until this is explained.",
    )
    ENTRY_FORMAT = (
        "ST-ENTRY-FORMAT",
        Verdict.UNVERIFIABLE,
        "an entry is of a format that this program does not know",
        "The entry says that it was made by a newer version. This program can't judge it.",
        "Verify with a newer version of sealtrail.",
    )
    ENTRY_BODY = (
        "ST-ENTRY-BODY",
        Verdict.UNVERIFIABLE,
        "an entry that sealtrail wrote can't be read",
        """The entry is in its place in the chain, but what it says about the trail is not in the form it
        should have.""",
        "Verify with a newer version of sealtrail. If that does not help, report it.",
    )
    GENESIS_BODY = (
        "ST-GENESIS-BODY",
        Verdict.TAMPERED,
        "the first entry belongs to another trail or key",
        """A trail's first entry states its name, its identity and its key. It states others than those that
        you trust.""",
        "Treat the trail's key as misused until this is explained.",
    )

    # Control entries and keys

    CONTROL_FORGED = (
        "ST-CONTROL-FORGED",
        Verdict.TAMPERED,
        "an entry says that something was done to the trail, and the trail's key did not sign that",
        """Key changes, continuations and gaps are stated under the trail's key. This entry holds no such
        statement, or one that does not open. Whoever controlled the chainer wrote it without having the
        key.""",
        """Do not believe what the entry says. Ask the operator what was done to the trail at that time, and
        who could write to the chained topic.""",
    )
    CONTROL_MISPLACED = (
        "ST-CONTROL-MISPLACED",
        Verdict.TAMPERED,
        "a control statement stands where it does not belong",
        """The trail's key has signed the statement for another entry than the one that holds it: it was
        repeated or moved. Or it is a key change, and its entry is not the last one of its batch.""",
        """Do not believe what the entry says. Ask the operator what was done to the trail at that time, and
        who could write to the chained topic.""",
    )
    GAP_OFFSETS = (
        "ST-GAP-OFFSETS",
        Verdict.TAMPERED,
        "a gap is stated that is not the one between the entries",
        """The statement says that raw records were lost, and names other offsets than those that the entries
        around it leave out. So it does not account for what is missing.""",
        "Compare the offsets with the raw topic while it is kept, and ask the operator about the gap.",
    )
    KEY_FORKED = (
        "ST-KEY-FORKED",
        Verdict.TAMPERED,
        "a key of the trail was replaced twice",
        """A key is replaced at most once. Here it has signed two different changes, so that two keys claim to
        come after it. Whoever stole a key can do that, and would lead readers who trust it astray.""",
        """Trust the newest key, which the operator names to you over another channel. Treat the key that
        signed both changes as stolen.""",
    )
    KEY_UNSTATED = (
        "ST-KEY-UNSTATED",
        Verdict.TAMPERED,
        "a key change lies in the archive that the trail does not state",
        """A note under keys/ says that the trail's key changed at this entry, and the entry says something
        else. Whoever has the old key can make such a note; only the trail itself shows that the change was
        part of it.""",
        """Ask the operator whether the key was changed at that time. If it was not, treat the old key as
        stolen.""",
    )
    KEY_UNLISTED = (
        "ST-KEY-UNLISTED",
        Verdict.INCOMPLETE,
        "the note of a key change is missing",
        """The trail states in an entry that its key changed, and the note under keys/ that repeats it is gone
        or another one. The entries are not affected, but readers who do not read that entry can't go from the
        one key to the other.""",
        "Put the statement back under keys/, from another copy, and ask who could remove it.",
    )
    KEY_AHEAD = (
        "ST-KEY-AHEAD",
        Verdict.INCOMPLETE,
        "a key change is of a size that the trail does not reach",
        """The note under keys/ was signed and put when the trail had more entries than it has now. Those at
        its end have been removed since, or never were sealed.""",
        "Look for the missing batches and seals in another copy. Ask who could delete them.",
    )

    # Locks and versions

    OBJECT_VERSIONS = (
        "ST-OBJECT-VERSIONS",
        Verdict.UNPROTECTED,
        "an object was written more than once",
        """Somebody put other content on top of a sealed object. The sealed version is still there and was the
        one verified, but tools that take the newest version see something else.""",
        "Find out who wrote the other version, and take write access from them.",
    )
    OBJECT_MARKER = (
        "ST-OBJECT-MARKER",
        Verdict.UNPROTECTED,
        "an object was marked as deleted",
        """Somebody deleted a sealed object. The lock kept it, and it was verified, but plain listings hide
        it.""",
        "Find out who deleted it. The marker itself can be removed.",
    )
    OBJECT_FOREIGN = (
        "ST-OBJECT-FOREIGN",
        Verdict.UNPROTECTED,
        "an object lies in a trail that no seal names",
        "Somebody other than the archiver wrote into the trail's folder. The entries are not affected.",
        "Find out who wrote it, and take write access from them.",
    )
    OBJECT_SQUATTED = (
        "ST-OBJECT-SQUATTED",
        Verdict.UNPROTECTED,
        "an object has a name that the archiver could have needed",
        """Somebody other than the archiver wrote an object under a name that batches and seals have, or an
        archiver has gone around what it had put there itself, since the store misstated that. The entries are
        not affected.""",
        "Find out who wrote it, and take write access from them: it can be an attempt to stop the archiver.",
    )
    TAIL_UNSEALED = (
        "ST-TAIL-UNSEALED",
        Verdict.INCOMPLETE,
        "batches lie beyond the newest seal",
        """At most one batch can be waiting for its seal. More than that means that the newest seals are
        missing, or that somebody wrote files ahead of the archiver.""",
        "Look for the newest seals in another copy.",
    )
    LOCK_NONE = (
        "ST-LOCK-NONE",
        Verdict.UNPROTECTED,
        "objects were sealed without a lock",
        """The storage that was used can't lock objects, and the seals say so. Changes are detected, but
        nothing prevents them.""",
        "For evidence that must last, archive to a bucket under Object Lock in COMPLIANCE mode.",
    )
    LOCK_MISSING = (
        "ST-LOCK-MISSING",
        Verdict.UNPROTECTED,
        "objects are not locked",
        "The seal promises a lock, and the store knows of none. The objects can be deleted.",
        """Check that you may read retention (s3:GetObjectRetention). If you may, find out who removed the
        lock or copied the archive without it.""",
    )
    LOCK_WEAK = (
        "ST-LOCK-WEAK",
        Verdict.UNPROTECTED,
        "objects are locked in a mode that can be lifted",
        """GOVERNANCE mode can be lifted by whoever has the right to. COMPLIANCE mode, which was sealed,
        can't.""",
        "Lock the objects in COMPLIANCE mode; that can be done on top.",
    )
    LOCK_SHORT = (
        "ST-LOCK-SHORT",
        Verdict.UNPROTECTED,
        "objects are locked for less time than sealed",
        "The store will allow deletion before the date that the seal promises.",
        "Extend the retention to the sealed date, and find out how it came to be shorter.",
    )

    # The pinned head

    HEAD_CUT = (
        "ST-HEAD-CUT",
        Verdict.INCOMPLETE,
        "the trail is shorter than it was before",
        "You kept a checkpoint from when the trail was longer. Entries at its end have been removed since.",
        "Your kept checkpoint is proof that the entries existed. Look for them in another copy.",
    )
    HEAD_ROOT = (
        "ST-HEAD-ROOT",
        Verdict.TAMPERED,
        "the history was rewritten and signed again",
        """The trail is consistent in itself, but it is not the one of which you kept a checkpoint. Only
        somebody with the trail's key can have done that.""",
        "Keep your checkpoint and this archive: together they are proof. Treat the key as misused.",
    )
    HEAD_UNCOMPARED = (
        "ST-HEAD-UNCOMPARED",
        Verdict.UNVERIFIABLE,
        "a pinned head could not be compared",
        """Nothing else is wrong, but the root at the size of your kept checkpoint can't be computed: what
        lies around it has expired, or an earlier visit has read it. So it is not shown that this is the
        history of which you kept it.""",
        """Verify without a state file, or against a copy that still holds those entries. If they have
        expired, keep a newer head.""",
    )

    # Proofs and evidence packs

    PROOF_FORM = (
        "ST-PROOF-FORM",
        Verdict.TAMPERED,
        "a proof can't be read",
        "The file begins or is named as a proof and is none, so it shows nothing. It was cut or changed.",
        "Ask for the proof again. Whoever has the archive can make it anew with `sealtrail prove`.",
    )
    PROOF_LEAF = (
        "ST-PROOF-LEAF",
        Verdict.TAMPERED,
        "a proof does not hold the leaf of its entry",
        "What should be the entry's fixed record is missing, is no leaf, or is that of another entry.",
        "Ask for the proof again, and treat what came with it as not proven.",
    )
    PROOF_PAYLOAD = (
        "ST-PROOF-PAYLOAD",
        Verdict.TAMPERED,
        "a payload is not the one that was sealed",
        "The event that is shown is not the one that the leaf commits to: somebody exchanged or changed it.",
        "Treat what the event says as not proven, and ask for the entry again.",
    )
    PRODUCER_MISSING = (
        "ST-PRODUCER-MISSING",
        Verdict.INCOMPLETE,
        "events that a producer has numbered are missing",
        """The producer numbers its events without gaps, and declares void what it could not deliver. These
        numbers are neither in the trail nor void: the events were lost before they were chained, or left out.
        The archive itself holds what was sealed. Asked for with --complete-producers only.""",
        """Look for them where the producer keeps its own records, and in the raw topic while it is kept. A
        producer without an outbox loses what is in memory when it is killed, but then none of its numbers
        comes behind the gap.""",
    )
    PRODUCER_REPEATED = (
        "ST-PRODUCER-REPEATED",
        Verdict.INCOMPLETE,
        "events carry a producer's number twice",
        """A producer never uses a number for two events. Either an event is in the trail more than once, as
        after an attempt whose outcome was not known, or somebody has copied stamps. The archive itself holds
        what was sealed. Asked for with --complete-producers only.""",
        """Compare the events: the same content is a repetition, which readers have to count once. Other
        content under a used number means that a producer's outbox was copied, or that it is none.""",
    )
    PROOF_INCLUSION = (
        "ST-PROOF-INCLUSION",
        Verdict.TAMPERED,
        "a proof does not lead to the checkpoint",
        """The leaf and the path do not give the root that the checkpoint states. So it is not shown that the
        trail ever held this entry at this place.""",
        "Treat the entry as not proven, and ask for the proof again.",
    )
    PROOF_SIGNATURE = (
        "ST-PROOF-SIGNATURE",
        Verdict.TAMPERED,
        "a proof's checkpoint is not as it was signed",
        "The checkpoint was changed: the signature of the trail's key does not fit it, or it is none.",
        "Treat the entry as not proven, and ask for the proof again.",
    )
    PROOF_KEY = (
        "ST-PROOF-KEY",
        Verdict.UNVERIFIABLE,
        "a proof is not signed by a key of the policy",
        """The checkpoint names a trail that the policy does not have, or is signed by another key. Anybody
        can sign with a key of their own; or the trail's key was changed, and that change is not at hand.""",
        """Check that it is the right policy. If the key was changed, give the notes under keys/ in the
        trail's folder with --key-change, or ask for a pack, which carries them. Else ask the operator of
        the trail which key signed, over another way than the proof came.""",
    )
    PROOF_FORMAT = (
        "ST-PROOF-FORMAT",
        Verdict.UNVERIFIABLE,
        "a proof or its leaf is of an unknown version",
        "It may be sound, but this program does not know its format.",
        "Use a newer version of sealtrail.",
    )
    PROOF_SEAL = (
        "ST-PROOF-SEAL",
        Verdict.TAMPERED,
        "an entry's seal in a pack is missing or does not fit",
        """The pack has no seal with the proof's checkpoint, its signature does not fit, or it covers other
        entries.""",
        "If everything else about the entry is good it is proven all the same. Ask for the pack again.",
    )
    PACK_FILE = (
        "ST-PACK-FILE",
        Verdict.TAMPERED,
        "a file of a pack is not the one in its manifest",
        "The file was changed or damaged after the pack was made, or put into it.",
        "Ask for the pack again, and compare.",
    )
    PACK_MISSING = (
        "ST-PACK-MISSING",
        Verdict.INCOMPLETE,
        "a file of a pack is missing",
        "The manifest lists the file, and the pack does not hold it.",
        "Ask for the whole pack.",
    )
    PACK_PAGE = (
        "ST-PACK-PAGE",
        Verdict.TAMPERED,
        "a pack's page shows something else than its files",
        """The data within index.html is not that of the proofs, payloads and seals beside it. Whoever reads
        the page sees other evidence than what was checked.""",
        "Do not read the page. Ask for the pack again, and ask who had it in their hands.",
    )
