"""The errors that a person sees.

Every message is one paragraph: what happened, where, and what to do (the setting to change by its environment
variable). It never holds a secret, since it goes to the terminal and to the log.
"""


class Problem(Exception):
    """A step failed for a reason that a person can mend."""

    exit_code = 1


class UsageProblem(Problem):
    """The command line or a setting is wrong."""

    exit_code = 2


class RedAudit(Problem):
    """The audit of the built tables failed; nothing was published."""

    exit_code = 3
