"""`import sealtrail`: every public name is there, and loads no more than it needs."""

import json
import subprocess
import sys

import pytest

import sealtrail

HEAVY = ["boto3", "botocore", "click", "rich", "pyarrow", "confluent_kafka"]


def loaded_by(statement):
    program = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", sealtrail.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sealtrail, name) is not None
    assert name in dir(sealtrail)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sealtrail.nothing  # noqa: B018 - the access is the test


@pytest.mark.parametrize(
    "statement",
    ["import sealtrail", "from sealtrail import AuditProducer", "from sealtrail import verify, open_archive"],
)
def test_importing_loads_nothing_heavy(statement):
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_the_bare_import_loads_none_of_the_parts():
    parts = {
        "sealtrail_schemas",
        "sealtrail_transport",
        "sealtrail_producers",
        "sealtrail_auditor",
        "fastavro",
    }
    assert loaded_by("import sealtrail").isdisjoint(parts)
