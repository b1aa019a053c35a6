"""The exceptions that end a run."""


class LaunchError(Exception):
    """The system cannot start or go on; the text is one line that says why and what to do."""


class Interrupted(Exception):
    """The run was interrupted, by Ctrl-C or a signal."""
