"""Decides which step of a rotation of the signing key is due.

    steady ── publish ──▶ published ── activate ──▶ activated ── retire ──▶ steady
    one key   the key     the next key  publish-    the former  lifetime of  one key
    signs     is old, or  verifies,     Seconds     key still   a token and
              a person    but does not  have        verifies    a margin have
              asks        sign yet      passed                  passed

- A key signs only after everyone who verifies tokens has had `publish_seconds` to get it.
- A key that signed is accepted until the last token that it signed has expired everywhere.
- When the time of the last step is unknown (missing, malformed, in the future), the wait starts now: `restart_wait`.
- With a next and a previous key, as only a person's change makes them, the previous one is retired first, since an
  activation would drop it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from servicekit.secret_rotation import Due, Step
from servicekit.tokens import LEEWAY_SECONDS

# Until each pod of auth signs with a new key: the kubelet updates mounted Secrets in a minute or two, and the pods read
# them every ten seconds.
SYNC_MARGIN_SECONDS = 300


@dataclass(frozen=True)
class RotationSettings:
    """How long each state lasts."""

    rotate_after: timedelta
    publish_for: timedelta
    token_lifetime: timedelta

    @property
    def retire_after(self) -> timedelta:
        """How long after an activation a token of the former key may still be accepted."""
        return self.token_lifetime + timedelta(seconds=LEEWAY_SECONDS + SYNC_MARGIN_SECONDS)


@dataclass(frozen=True)
class KeyState:
    """The keys in the Secret: since when the signing key exists, and the times of the last steps as far as known."""

    created_at: datetime
    has_next: bool = False
    published_at: datetime | None = None
    has_previous: bool = False
    activated_at: datetime | None = None


def next_step(state: KeyState, now: datetime, settings: RotationSettings, *, start_now: bool = False) -> Due:
    """Return the next step; it is due if its time is not after `now`. `start_now` begins a rotation at any age."""
    if state.has_previous:
        return _after(state.activated_at, now, Step.RETIRE, settings.retire_after)
    if state.has_next:
        return _after(state.published_at, now, Step.ACTIVATE, settings.publish_for)
    return Due(Step.PUBLISH, now if start_now else state.created_at + settings.rotate_after)


def _after(since: datetime | None, now: datetime, step: Step, wait: timedelta) -> Due:
    if since is None or since > now:
        return Due(Step.RESTART_WAIT, now)
    return Due(step, since + wait)
