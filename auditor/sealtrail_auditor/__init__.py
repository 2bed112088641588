"""The auditor: reads an archive, believes a policy, and says whether what lies there is what was sealed."""
