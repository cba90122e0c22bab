"""Alerts: a run that ended badly tells a command or a webhook, which the listener names.

An alert that cannot be delivered is a line in the log; it never changes how the run ended.

Data flow: Run -> JSON -> standard input of a command, body of a POST
"""

import json
import logging
import shlex
import subprocess
from collections.abc import Callable, Sequence

from pipelines.settings import Settings
from sources.problem import Problem, Unforeseen

SECONDS = 20
log = logging.getLogger("lakehouse.alert")


def alert(settings: Settings, run_id: str, state: str, problems: Sequence[Problem]) -> None:
    """Tell of a run's problems; says nothing where there are none or nobody wants to hear."""
    if not problems:
        return
    told = {"run_id": run_id, "profile": settings.profile, "state": state, "problems": [_told(p) for p in problems]}
    body = json.dumps(told, ensure_ascii=False)
    if settings.alert_command:
        _deliver("LAKEHOUSE__ALERT_COMMAND", _command, settings.alert_command, body)
    if settings.alert_url:
        _deliver("LAKEHOUSE__ALERT_URL", _post, settings.alert_url, body)


def _told(problem: Problem) -> str:
    return "Something that nobody foresaw; the log has it." if isinstance(problem, Unforeseen) else str(problem)


def _deliver(setting: str, way: Callable[[str, str], None], place: str, body: str) -> None:
    try:
        way(place, body)
    except Exception as error:  # whatever it is, the run has ended already
        log.warning("an alert could not be delivered (%s): check %s", type(error).__name__, setting)


def _command(command: str, body: str) -> None:
    subprocess.run(  # noqa: S603 the listener's own command, without a shell
        shlex.split(command), input=body, text=True, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL
    )


def _post(url: str, body: str) -> None:
    import requests

    headers = {"Content-Type": "application/json"}
    requests.post(url, data=body.encode(), headers=headers, timeout=SECONDS).raise_for_status()
