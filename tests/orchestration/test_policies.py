"""The rules of each policy are Prefect's, in Prefect's order."""

from __future__ import annotations

import pytest

from flowctl.orchestration import policies

PREFECT = {
    "CORE_FLOW": """PreserveDeploymentConcurrencyLeaseId PreventDuplicateTransitions HandleFlowTerminalStateTransitions
        EnforceCancellingToCancelledTransition BypassCancellingFlowRunsWithNoInfra PreventPendingTransitions
        ValidateDeploymentConcurrencyAtRunning SecureFlowConcurrencySlots
        RemoveDeploymentConcurrencyLeaseForOldClientVersions EnsureOnlyScheduledFlowsMarkedLate HandlePausingFlows
        HandleResumingPausedFlows CopyScheduledTime WaitForScheduledTime RetryFailedFlows""",
    "MINIMAL_FLOW": "PreventResultDataLoss BypassCancellingFlowRunsWithNoInfra",
    "MARK_LATE": "EnsureOnlyScheduledFlowsMarkedLate EnforceDeploymentConcurrencyOnLate",
    "CORE_TASK": """CacheRetrieval HandleTaskTerminalStateTransitions PreventRunningTasksFromStoppedFlows
        SecureTaskConcurrencySlots CopyScheduledTime WaitForScheduledTime RetryFailedTasks RenameReruns
        UpdateFlowRunTrackerOnTasks CacheInsertion""",
    "CLIENT_SIDE_TASK": """CacheRetrieval HandleTaskTerminalStateTransitions PreventRunningTasksFromStoppedFlows
        CopyScheduledTime WaitForScheduledTime RetryFailedTasks RenameReruns UpdateFlowRunTrackerOnTasks
        CacheInsertion""",
    "BACKGROUND_TASK": """PreventPendingTransitions CacheRetrieval HandleTaskTerminalStateTransitions CopyScheduledTime
        CopyTaskParametersID WaitForScheduledTime RetryFailedTasks RenameReruns UpdateFlowRunTrackerOnTasks
        CacheInsertion""",
    "MINIMAL_TASK": "",
}


@pytest.mark.parametrize("policy", PREFECT)
def test_policy_has_prefects_rules_in_prefects_order(policy):
    names = [rule.name.replace("_", "") for rule in getattr(policies, policy)]
    assert names == [name.lower() for name in PREFECT[policy].split()]
