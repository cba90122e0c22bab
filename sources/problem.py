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
    """The audit of the built tables failed and nothing was published, or that of the published ones."""

    exit_code = 3


class Unforeseen(Problem):
    """An error of a kind that nobody thought of: its text may hold anything, so it stays on this machine."""


FULL_DISK = ("No space left", "disk is full", "not enough space", "File too large", "disk I/O error")
NO_SPACE = (
    "The disk is full, or fails: free space, or set LAKEHOUSE__DATA_DIR to a folder on another one, and run again; "
    "what was half written is never read."
)


def problem_of(error: Exception, before: str = "") -> Problem:
    """Any error as a problem: what nobody foresaw in one paragraph, whose traceback the log has."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OSError) and error.filename:
        return Problem(
            f"{before}{error.filename}: {error.strerror}. Mend it, or set LAKEHOUSE__DATA_DIR to another folder."
        )
    said = str(error).strip().splitlines() or [""]
    return Unforeseen(f"{before}{type(error).__name__}: {said[0][:300]} The log has the traceback; `doctor` says more.")


def paragraph(problem: Exception) -> str:
    """What a person reads at the terminal, in one line; a full disk is told whoever found it."""
    told = " ".join(str(problem).split())
    return f"{told} {NO_SPACE}" if any(sign in told for sign in FULL_DISK) else told
