"""Why an agent waits: the label of the metric, the reason of the Event, the first word of the status."""

from enum import StrEnum


class Reason(StrEnum):
    """docs/operations.md has a row for each, with what to do."""

    AGENT_STARTS = "AgentStarts"
    MYSQLD_DOWN = "MysqldDown"
    MAJORITY_LOST = "MajorityLost"
    RECOVERING = "Recovering"
    NOT_YET_EXPELLED = "NotYetExpelled"
    PEERS_LAG = "PeersLag"
    GROUP_UNKNOWN = "GroupUnknown"
    DATA_OF_ANOTHER_GROUP = "DataOfAnotherGroup"
    LEASE_UNREADABLE = "LeaseUnreadable"
    LEASE_HELD = "LeaseHeld"
    GROUP_NOT_RECORDED = "GroupNotRecorded"
    PEERS_MAY_HAVE_DATA = "PeersMayHaveData"
    OTHER_MEMBER_STARTS = "OtherMemberStarts"
    MEMBER_MISSING = "MemberMissing"
    GROUP_NOT_ENDED = "GroupNotEnded"
    DATA_LOST = "DataLost"
    ALL_DATA_LOST = "AllDataLost"
    DATA_DIVERGED = "DataDiverged"
    FORCED_WITHOUT_DATA = "ForcedWithoutData"

    @property
    def needs_attention(self) -> bool:
        """Whether an operator has to look after it if it lasts; the others end by themselves, or with one of these."""
        return self in ATTENTION


ATTENTION = frozenset(
    {
        Reason.MYSQLD_DOWN,
        Reason.MAJORITY_LOST,
        Reason.DATA_OF_ANOTHER_GROUP,
        Reason.LEASE_UNREADABLE,
        Reason.PEERS_MAY_HAVE_DATA,
        Reason.MEMBER_MISSING,
        Reason.DATA_LOST,
        Reason.ALL_DATA_LOST,
        Reason.DATA_DIVERGED,
        Reason.FORCED_WITHOUT_DATA,
    }
)
