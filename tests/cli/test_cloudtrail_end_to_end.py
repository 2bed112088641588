"""Real CloudTrail events through the embedded pipeline: what was published is what lies in the archive."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from copied_archive import archived_values
from sealtrail_schemas.split import split_events

FILES = sorted((Path(__file__).parents[3] / "shared" / "data" / "cloudtrail").glob("*.json"))


@pytest.mark.embedded
@pytest.mark.skipif(not FILES, reason="the CloudTrail files are not here")
def test_every_value_is_archived_byte_for_byte(tmp_path):
    def sealtrail(*arguments):
        command = [sys.executable, "-m", "sealtrail", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    sealtrail("init")
    sealtrail("produce", "--format", "cloudtrail", *map(str, FILES))
    sealtrail("up", "--drain")
    sealtrail("verify")
    sealtrail("fetch", ".sealtrail", "copy")
    published = [event.value for file in FILES for event in split_events(file.read_bytes(), "cloudtrail")]
    assert len(published) == 1_469
    assert archived_values(tmp_path / "copy", tmp_path / ".sealtrail" / "policy") == published
    # The events are what the files hold, also by a reader that knows nothing of sealtrail.
    records = [record for file in FILES for record in json.loads(file.read_bytes())["Records"]]
    assert [json.loads(value) for value in published] == records
