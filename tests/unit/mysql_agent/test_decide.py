"""The rules, one test by name for each: an observation goes in, an action comes out."""

from dataclasses import replace

import pytest

from efishery_mysql_agent.actions import (
    Adopt,
    Bootstrap,
    Clone,
    Join,
    Leave,
    Left,
    Reboot,
    Serve,
    Wait,
)
from efishery_mysql_agent.decide import decide
from efishery_mysql_agent.model import LeaseState, Member, Role, State, Status, View
from efishery_mysql_agent.reasons import Reason
from tests.unit.mysql_agent.conftest import (
    FORMED,
    GROUP,
    PODS,
    UUID,
    fresh,
    gtids,
    members,
    online,
    outside,
    seen,
    without,
)

EMPTY = LeaseState(version="1")
CLAIMED = LeaseState(version="2", group=GROUP, claimer="mysql-0", epoch=1, holder="mysql-0")
HELD = replace(FORMED, holder="mysql-0")
MISSING_2 = Wait(Reason.MEMBER_MISSING, "mysql-2 of the last view does not answer")
ERRANT = "99999999-9999-9999-9999-999999999999"


class TestFirstBootIsDecidedByStoredState:
    def test_pod_0_claims_where_nothing_was_ever_formed(self) -> None:
        assert decide(seen(fresh("mysql-0"), lease=EMPTY)) == Bootstrap(EMPTY, 1)

    def test_the_number_of_peers_changes_nothing(self) -> None:
        alone = decide(seen(fresh("mysql-0"), lease=EMPTY))
        assert decide(seen(fresh("mysql-0"), fresh("mysql-1"), fresh("mysql-2"), lease=EMPTY)) == alone

    def test_not_while_a_peer_may_have_data_of_a_group_that_the_lease_lost(self) -> None:
        silent = ("mysql-1", "mysql-2")
        action = decide(seen(fresh("mysql-0"), lease=EMPTY, without_proof=silent))
        assert isinstance(action, Wait)
        assert action.reason is Reason.PEERS_MAY_HAVE_DATA
        assert "mysql-1, mysql-2" in action.detail
        assert "`kubectl annotate --overwrite lease mysql mysql.efishery/start-empty=unknown`" in action.detail
        given_up = replace(EMPTY, start_empty="unknown")
        assert decide(seen(fresh("mysql-0"), lease=given_up, without_proof=silent)) == Bootstrap(given_up, 1)

    def test_others_wait_for_pod_0(self) -> None:
        assert decide(seen(fresh("mysql-1"), lease=EMPTY)) == Wait(
            Reason.OTHER_MEMBER_STARTS, "mysql-0 bootstraps the group"
        )

    def test_a_lost_volume_of_pod_0_never_makes_a_second_group(self) -> None:
        live = [without(online(pod, primary="mysql-1"), "mysql-0") for pod in ("mysql-1", "mysql-2")]
        assert decide(seen(fresh("mysql-0"), *live)) == Clone("mysql-2", "")
        assert isinstance(decide(seen(fresh("mysql-0"))), Wait)
        assert isinstance(decide(seen(fresh("mysql-0"), lease=HELD)), Wait)

    def test_a_lost_lease_is_written_again_by_a_member_of_the_group(self) -> None:
        assert decide(seen(outside("mysql-1"), lease=EMPTY)) == Adopt(EMPTY, GROUP)
        waits = decide(seen(fresh("mysql-0"), outside("mysql-1"), lease=EMPTY))
        assert waits == Wait(Reason.GROUP_NOT_RECORDED, "mysql-1 writes its group into the Lease")

    def test_only_the_claimer_bootstraps_while_it_holds_the_lease(self) -> None:
        assert decide(seen(fresh("mysql-0"), lease=CLAIMED)) == Bootstrap(CLAIMED, 2, GROUP)
        other = replace(CLAIMED, holder="mysql-1")
        assert decide(seen(fresh("mysql-0"), lease=other)) == Wait(Reason.LEASE_HELD, "mysql-1 starts the group")
        assert decide(seen(fresh("mysql-1"), lease=CLAIMED)) == Wait(
            Reason.OTHER_MEMBER_STARTS, "mysql-0 bootstraps the group"
        )

    def test_a_bootstrap_that_was_interrupted_begins_again(self) -> None:
        expired = replace(CLAIMED, holder=None)
        assert decide(seen(fresh("mysql-0"), lease=expired)) == Bootstrap(expired, 2, GROUP)

    def test_a_bootstrap_that_was_not_recorded_is_never_repeated(self) -> None:
        assert decide(seen(outside("mysql-0"), lease=CLAIMED)) == Adopt(CLAIMED, GROUP)
        waits = decide(seen(fresh("mysql-0"), outside("mysql-1"), lease=CLAIMED))
        assert waits == Wait(Reason.GROUP_NOT_RECORDED, "mysql-1 writes its group into the Lease")


class TestJoining:
    LIVE = tuple(without(online(pod, primary="mysql-1"), "mysql-0") for pod in ("mysql-1", "mysql-2"))

    def test_a_member_joins_the_live_group(self) -> None:
        assert decide(seen(outside("mysql-0", last=7), *self.LIVE)) == Join(GROUP, ("mysql-1", "mysql-2"), 4)

    def test_an_expelled_member_joins_again(self) -> None:
        assert isinstance(decide(seen(outside("mysql-0", state=State.ERROR), *self.LIVE)), Join)

    def test_neither_lease_nor_kubernetes_api_is_needed(self) -> None:
        assert isinstance(decide(seen(outside("mysql-0"), *self.LIVE, lease=None)), Join)

    def test_a_new_member_clones_from_a_replica(self) -> None:
        assert decide(seen(fresh("mysql-0"), *self.LIVE)) == Clone("mysql-2", "")

    def test_a_member_with_errant_transactions_clones(self) -> None:
        me = replace(outside("mysql-0"), gtids=f"{gtids(10)},{ERRANT}:1-2")
        assert decide(seen(me, *self.LIVE)) == Clone("mysql-2", f"{ERRANT}:1,{ERRANT}:2")

    def test_what_no_peer_has_received_yet_is_not_errant(self) -> None:
        behind = [replace(peer, gtids=gtids(9), queue=3) for peer in self.LIVE]
        action = decide(seen(outside("mysql-0"), *behind))
        assert isinstance(action, Wait)
        assert action.reason is Reason.PEERS_LAG
        caught_up = replace(behind[1], queue=0)
        assert isinstance(decide(seen(outside("mysql-0"), behind[0], caught_up)), Clone)
        assert isinstance(decide(seen(outside("mysql-0"), behind[0], replace(caught_up, gtids=gtids(10)))), Join)

    def test_it_waits_until_the_group_has_expelled_its_former_self(self) -> None:
        suspected = online("mysql-1", primary="mysql-0", lost=("mysql-0",))
        assert decide(seen(outside("mysql-0"), suspected)) == Wait(Reason.NOT_YET_EXPELLED)

    def test_data_of_another_group_are_kept_for_an_operator(self) -> None:
        me = replace(outside("mysql-0"), group="another")
        action = decide(seen(me, *self.LIVE))
        assert isinstance(action, Wait)
        assert action.reason is Reason.DATA_OF_ANOTHER_GROUP

    def test_data_of_the_group_before_a_forced_reboot_are_known(self) -> None:
        lease = replace(FORMED, former=("before", "another"))
        me = replace(outside("mysql-0", last=7), group="another")
        assert isinstance(decide(seen(me, *self.LIVE, lease=lease)), Join)
        ahead = replace(me, gtids=gtids(11))
        action = decide(seen(ahead, *self.LIVE, lease=lease))
        assert isinstance(action, Clone)
        assert action.discarded == f"{UUID}:11"

    def test_a_member_that_cannot_catch_up_clones(self) -> None:
        me = outside("mysql-0", state=State.ERROR)
        assert isinstance(decide(seen(me, *self.LIVE, failed_recoveries=2)), Join)
        assert decide(seen(me, *self.LIVE, failed_recoveries=3)) == Clone("mysql-2", "")

    def test_a_side_without_majority_is_no_live_group(self) -> None:
        minority = online("mysql-1", primary="mysql-1", lost=("mysql-0", "mysql-2"))
        assert not isinstance(decide(seen(outside("mysql-0"), minority)), Join | Clone)


class TestRebootAfterAFullOutage:
    ALL = (outside("mysql-1"), outside("mysql-2"))

    def test_only_while_holding_the_lease(self) -> None:
        assert decide(seen(outside("mysql-0"), *self.ALL)) == Reboot(FORMED, 5)
        assert decide(seen(outside("mysql-0"), *self.ALL, lease=HELD)) == Reboot(HELD, 5)
        other = replace(FORMED, holder="mysql-2")
        assert decide(seen(outside("mysql-0"), *self.ALL, lease=other)) == Wait(
            Reason.LEASE_HELD, "mysql-2 starts the group"
        )

    def test_never_without_the_kubernetes_api(self) -> None:
        assert isinstance(decide(seen(outside("mysql-0"), *self.ALL, lease=None)), Wait)

    def test_never_while_a_member_of_the_last_view_does_not_answer(self) -> None:
        action = decide(seen(outside("mysql-0"), outside("mysql-1"), lease=HELD))
        assert action == MISSING_2

    def test_an_agent_without_its_mysqld_is_no_member_that_answers(self) -> None:
        action = decide(seen(outside("mysql-0"), outside("mysql-1"), Status("mysql-2"), lease=HELD))
        assert action == MISSING_2

    def test_never_beside_a_member_that_still_believes_in_the_group(self) -> None:
        cut_off = online("mysql-2", primary="mysql-2", lost=("mysql-0", "mysql-1"))
        action = decide(seen(outside("mysql-0"), outside("mysql-1"), cut_off, lease=HELD))
        assert action == Wait(Reason.GROUP_NOT_ENDED, "mysql-2 has not noticed yet that the group is gone")

    def test_from_the_member_with_the_superset_of_transactions(self) -> None:
        newest = outside("mysql-2", last=12)
        waits = decide(seen(outside("mysql-0"), outside("mysql-1", last=9), newest, lease=HELD))
        assert waits == Wait(Reason.OTHER_MEMBER_STARTS, "mysql-2 has the most transactions")
        held = replace(FORMED, holder="mysql-2")
        assert decide(seen(newest, outside("mysql-0"), outside("mysql-1", last=9), lease=held)) == Reboot(held, 5)

    def test_not_where_no_member_has_all_transactions(self) -> None:
        other = replace(outside("mysql-1"), gtids=f"{gtids(9)},{ERRANT}:1-2")
        action = decide(seen(outside("mysql-0"), other, outside("mysql-2"), lease=HELD))
        assert isinstance(action, Wait)
        assert action.reason is Reason.DATA_DIVERGED
        assert f"mysql-0: {gtids(10)}; mysql-1: {other.gtids}" in action.detail

    def test_not_where_a_member_of_the_last_view_lost_its_data(self) -> None:
        action = decide(seen(outside("mysql-0"), outside("mysql-1"), fresh("mysql-2"), lease=HELD))
        assert isinstance(action, Wait)
        assert (action.reason, action.detail.partition(" ")[0]) == (Reason.DATA_LOST, "mysql-2")

    def test_the_last_view_counts_wherever_it_is_stored(self) -> None:
        later = View("100:5", ("mysql-0",), 4)
        alone = replace(outside("mysql-0"), last_view=later)
        assert decide(seen(alone, lease=HELD)) == Reboot(HELD, 5)
        held = replace(HELD, view=later)
        assert decide(seen(outside("mysql-0"), lease=held)) == Reboot(held, 5)
        grown = replace(outside("mysql-1"), last_view=View("100:9", ("mysql-0", "mysql-3"), 4))
        assert decide(seen(outside("mysql-0"), grown, lease=HELD)) == Wait(
            Reason.MEMBER_MISSING, "mysql-3 of the last view does not answer"
        )

    def test_views_of_one_start_are_ordered_by_number(self) -> None:
        assert View("100:10", (), 1).supersedes(View("100:9", (), 1))
        assert not View("100:9", (), 1).supersedes(View("100:9", (), 1))
        assert View("100:10", ()).supersedes(View("100:9", (), 1)), "an agent without epochs wrote it"

    def test_views_of_two_starts_are_ordered_by_epoch_whatever_the_clocks_said(self) -> None:
        before, after = View("200:5", ("mysql-0",), 3), View("100:3", PODS, 4)
        assert after.supersedes(before)
        assert not before.supersedes(after)
        me, peer = replace(outside("mysql-0"), last_view=before), replace(outside("mysql-1", last=20), last_view=after)
        action = decide(seen(me, peer, lease=replace(HELD, view=after)))
        assert action == MISSING_2

    def test_of_views_without_an_order_no_member_is_left_out(self) -> None:
        views = View("200:5", ("mysql-0", "mysql-1")), View("100:3", ("mysql-0", "mysql-2"))
        me, peer = (replace(outside(pod), last_view=view) for pod, view in zip(PODS, views, strict=False))
        action = decide(seen(me, peer, lease=replace(HELD, view=None)))
        assert action == MISSING_2

    def test_each_start_raises_the_epoch_above_all_that_are_known(self) -> None:
        lost = replace(HELD, epoch=0, view=None)
        assert decide(seen(outside("mysql-0"), *self.ALL, lease=lost)) == Reboot(lost, 5)
        ahead = replace(HELD, epoch=9)
        assert decide(seen(outside("mysql-0"), *self.ALL, lease=ahead)) == Reboot(ahead, 10)

    def test_a_single_member_starts_itself(self) -> None:
        lease = replace(HELD, view=View("100:1", ("mysql-0",), 4))
        me = replace(outside("mysql-0"), last_view=lease.view)
        assert decide(seen(me, lease=lease)) == Reboot(lease, 5)

    def test_a_new_member_waits_for_those_of_the_last_view(self) -> None:
        lease = replace(HELD, view=View("100:1", ("mysql-0",)))
        me = replace(outside("mysql-0"), last_view=lease.view)
        assert decide(seen(fresh("mysql-3"), me, lease=lease)) == Wait(
            Reason.OTHER_MEMBER_STARTS, "mysql-0 has the most transactions"
        )


class TestAnOperatorForces:
    FORCED = replace(FORMED, force_reboot="mysql-1", holder="mysql-1")

    def test_the_named_member_starts_the_group_without_the_others(self) -> None:
        assert decide(seen(outside("mysql-1"), lease=self.FORCED)) == Reboot(self.FORCED, 5, forced=True)

    def test_with_the_lease_alone(self) -> None:
        held = replace(self.FORCED, holder="mysql-2")
        assert decide(seen(outside("mysql-1"), lease=held)) == Wait(Reason.LEASE_HELD, "mysql-2 starts the group")

    def test_others_wait_for_it(self) -> None:
        action = decide(seen(outside("mysql-0"), outside("mysql-1"), lease=self.FORCED))
        assert action == Wait(Reason.OTHER_MEMBER_STARTS, "mysql-1, as the Lease's annotation force-reboot asks")

    def test_a_name_that_nobody_answers_to_needs_the_operator_again(self) -> None:
        action = decide(seen(outside("mysql-0"), outside("mysql-2"), lease=self.FORCED))
        assert isinstance(action, Wait)
        assert action.reason.needs_attention
        assert action.detail == "mysql-1, which the Lease's annotation force-reboot names, does not answer"

    def test_a_live_group_goes_before(self) -> None:
        live = without(online("mysql-0"), "mysql-1")
        assert isinstance(decide(seen(outside("mysql-1"), live, lease=self.FORCED)), Join)

    def test_never_from_a_member_without_data(self) -> None:
        assert isinstance(decide(seen(fresh("mysql-1"), lease=self.FORCED)), Wait)


class TestAMemberActsOnlyOnItself:
    @pytest.mark.parametrize("role", ["mysql-0", "mysql-1"])
    def test_cut_off_it_waits_for_a_majority(self, role: str) -> None:
        isolated = online("mysql-0", primary=role, lost=("mysql-1", "mysql-2"))
        assert decide(seen(isolated)) == Wait(Reason.MAJORITY_LOST)

    def test_recovering_is_left_alone(self) -> None:
        me = replace(online("mysql-1"), state=State.RECOVERING)
        assert decide(seen(me)) == Wait(Reason.RECOVERING)

    def test_a_mysqld_that_does_not_answer_is_left_alone(self) -> None:
        assert decide(seen(Status("mysql-0"))) == Wait(Reason.MYSQLD_DOWN)

    def test_a_healthy_group_needs_no_lease(self) -> None:
        assert decide(seen(online("mysql-0"), lease=None)) == Serve()

    def test_one_of_three_away_is_no_loss_of_majority(self) -> None:
        assert decide(seen(online("mysql-0", lost=("mysql-2",)))) == Serve()


class TestLeaving:
    def test_the_primary_hands_over_first(self) -> None:
        assert decide(seen(online("mysql-0"), leaving=True)) == Leave("mysql-1")

    def test_a_replica_just_leaves(self) -> None:
        assert decide(seen(online("mysql-2"), leaving=True)) == Leave(None)

    def test_never_to_a_member_that_is_not_online(self) -> None:
        rows = (*members()[:1], Member("mysql-1", State.RECOVERING, Role.REPLICA), members()[2])
        assert decide(seen(replace(online("mysql-0"), members=rows), leaving=True)) == Leave("mysql-2")

    def test_the_last_one_just_leaves(self) -> None:
        me = replace(online("mysql-0"), members=members()[:1])
        assert decide(seen(me, leaving=True)) == Leave(None)

    def test_it_does_not_come_back(self) -> None:
        assert decide(seen(outside("mysql-0"), online("mysql-1", primary="mysql-1"), leaving=True)) == Left()


class TestWithoutVolumes:
    def test_a_group_that_lost_all_data_begins_anew(self) -> None:
        others = (fresh("mysql-1"), fresh("mysql-2"))
        assert decide(seen(fresh("mysql-0"), *others, ephemeral=True)) == Bootstrap(FORMED, 5)
        assert isinstance(decide(seen(fresh("mysql-0"), *others)), Wait)

    def test_not_while_a_member_may_have_data(self) -> None:
        assert isinstance(decide(seen(fresh("mysql-0"), fresh("mysql-1"), ephemeral=True)), Wait)
        has = (fresh("mysql-1"), outside("mysql-2"))
        assert isinstance(decide(seen(fresh("mysql-0"), *has, ephemeral=True)), Wait)


class TestAllDataLost:
    """The Lease says that there was a group, and no member has any data: nothing starts without the operator's word."""

    OTHERS = (fresh("mysql-1"), fresh("mysql-2"))
    GIVEN_UP = replace(FORMED, start_empty=GROUP)

    def test_waits_for_the_operator_and_says_for_what(self) -> None:
        for lease in (FORMED, replace(FORMED, start_empty="another-group")):
            action = decide(seen(fresh("mysql-0"), *self.OTHERS, lease=lease))
            assert isinstance(action, Wait)
            assert action.reason is Reason.ALL_DATA_LOST
            assert f"`kubectl annotate --overwrite lease mysql mysql.efishery/start-empty={GROUP}`" in action.detail

    def test_one_member_starts_an_empty_group_when_its_data_are_given_up(self) -> None:
        assert decide(seen(fresh("mysql-0"), *self.OTHERS, lease=self.GIVEN_UP)) == Bootstrap(self.GIVEN_UP, 5)
        others = (fresh("mysql-0"), fresh("mysql-2"))
        assert decide(seen(fresh("mysql-1"), *others, lease=self.GIVEN_UP)) == Wait(
            Reason.OTHER_MEMBER_STARTS, "mysql-0 starts an empty group"
        )

    def test_the_first_member_of_the_last_view_starts_it(self) -> None:
        lease = replace(self.GIVEN_UP, view=View("100:4", ("mysql-1", "mysql-2"), 4))
        assert isinstance(decide(seen(fresh("mysql-0"), *self.OTHERS, lease=lease)), Wait)
        assert decide(seen(fresh("mysql-1"), fresh("mysql-0"), fresh("mysql-2"), lease=lease)) == Bootstrap(lease, 5)

    @pytest.mark.parametrize("last", [outside("mysql-2"), outside("mysql-2", last=1), Status("mysql-2")])
    def test_never_while_a_member_of_the_last_view_has_data_or_may_have_some(self, last: Status) -> None:
        for peers in ((fresh("mysql-1"), last), (fresh("mysql-1"),)):
            assert isinstance(decide(seen(fresh("mysql-0"), *peers, lease=self.GIVEN_UP)), Wait)

    @pytest.mark.parametrize("other", [outside("mysql-3"), Status("mysql-3")])
    def test_never_while_any_other_member_has_data_or_may_have_some(self, other: Status) -> None:
        assert isinstance(decide(seen(fresh("mysql-0"), *self.OTHERS, other, lease=self.GIVEN_UP)), Wait)
        assert isinstance(decide(seen(fresh("mysql-0"), *self.OTHERS, other, ephemeral=True)), Wait)

    def test_a_live_group_goes_before(self) -> None:
        live = [without(online(pod, primary="mysql-1"), "mysql-0") for pod in ("mysql-1", "mysql-2")]
        assert decide(seen(fresh("mysql-0"), *live, lease=self.GIVEN_UP)) == Clone("mysql-2", "")

    def test_a_forced_reboot_has_nothing_to_start_from(self) -> None:
        forced = replace(self.GIVEN_UP, force_reboot="mysql-1")
        assert decide(seen(fresh("mysql-0"), *self.OTHERS, lease=forced)) == Bootstrap(forced, 5)
        action = decide(seen(fresh("mysql-1"), *self.OTHERS[1:], lease=replace(forced, start_empty=None)))
        assert action == Wait(Reason.FORCED_WITHOUT_DATA, "the Lease's annotation force-reboot names this member")

    def test_a_lost_lease_is_a_first_boot(self) -> None:
        assert decide(seen(fresh("mysql-0"), *self.OTHERS, lease=EMPTY)) == Bootstrap(EMPTY, 1)

    def test_a_volume_that_comes_back_later_is_kept_for_an_operator(self) -> None:
        live = [
            replace(without(online(pod, primary="mysql-1"), "mysql-0"), group="new") for pod in ("mysql-1", "mysql-2")
        ]
        action = decide(seen(outside("mysql-0"), *live, lease=replace(FORMED, group="new")))
        assert action == Wait(
            Reason.DATA_OF_ANOTHER_GROUP, f"this member has data of group {GROUP}, the live group is new"
        )
