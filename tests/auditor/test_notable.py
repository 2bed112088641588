"""What stands out, by the names of actions."""

import pytest

from sealtrail_auditor.notable import Mark, mark_of, only_looks

WATCHING = [
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "ec2:DeleteFlowLogs",
    "guardduty:DeleteDetector",
    "config:StopConfigurationRecorder",
    "logs:DeleteLogGroup",
    "logs:PutRetentionPolicy",
    "s3:PutBucketLifecycle",
    "organizations:LeaveOrganization",
    "audit_log.disable",
    "audit.stopped",
    "purge-logs",
]
RIGHTS = [
    "iam:CreateUser",
    "iam:CreateAccessKey",
    "iam:AttachUserPolicy",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:GetSessionToken",
    "s3:PutBucketPolicy",
    "rds:ModifyDBSnapshotAttribute",
    "lambda:AddPermission20150331v2",
    "kms:CreateGrant",
    "user.grant",
    "role.assigned",
]
SECRETS = [
    "secretsmanager:GetSecretValue",
    "ssm:GetParameters",
    "kms:Decrypt",
    "secret.read",
    "reveal password",
]
REMOVED = ["s3:DeleteBucket", "ec2:TerminateInstances", "document.deleted", "iam:DeleteLoginProfile"]
NOTHING = [
    None,
    "",
    "::",
    "ec2:DescribeVpcs",
    "iam:GetUser",
    "kms:GetKeyPolicy",
    "kms:ListGrants",
    "logs:CreateLogGroup",
    "ssm:GetParametersByName",
    "payment.approve",
    "user.login",
    "catalog.update",
    "migrant.update",
]


@pytest.mark.parametrize(
    ("action", "mark"),
    [
        *((action, Mark.WATCHING) for action in WATCHING),
        *((action, Mark.RIGHTS) for action in RIGHTS),
        *((action, Mark.SECRETS) for action in SECRETS),
        *((action, Mark.REMOVED) for action in REMOVED),
        *((action, None) for action in NOTHING),
    ],
)
def test_the_mark_of_an_action(action, mark):
    assert mark_of(action) is mark


@pytest.mark.parametrize("action", ["ec2:DescribeVpcs", "iam:ListUsers", "document.read", "s3:HeadBucket"])
def test_what_only_looks(action):
    assert only_looks(action)


@pytest.mark.parametrize("action", [None, "", "s3:PutObject", "sts:GetSessionToken", "payment.approve"])
def test_what_does_not(action):
    assert not only_looks(action)
