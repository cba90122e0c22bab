"""`run.py login`: the listener's consent, through a browser on this machine or by pasting the redirected address.

Both ways are open at once: whichever brings the address first is taken, so a headless machine needs no option.

Data flow: consent address on stdout -> browser -> loopback or stdin -> token file of mode 600
"""

import argparse
import os
import queue
import sys
import threading
import webbrowser
from datetime import UTC, datetime

from pipelines.embedded import surround
from pipelines.listener import connection
from pipelines.settings import Settings
from sources.problem import Problem
from sources.spotify_api.login import Doorway, ask, complete

SECONDS = 300.0
Answers = queue.Queue[str | Problem]


def login(settings: Settings, options: argparse.Namespace) -> int:
    """Ask the listener for consent and keep the token.

    Raises:
        UsageProblem: There is no client id.
        Problem: No consent came, or Spotify does not take it.
    """
    with surround(settings) as around:
        link = connection(around.settings, around.token_folder)
        with Doorway(options.port) as door:
            consent = ask(link.app, door.port)
            door.expect(consent)
            _show(consent.url)
            redirected = _first_answer(door)
        grant = complete(link.app, link.store, consent, redirected, now=around.now())
    sys.stdout.write(f"done: the consent lasts {grant.days_left(datetime.now(UTC))} days\n")
    return 0


def _show(url: str) -> None:
    sys.stdout.write(
        f"Open this address and agree:\n\n  {url}\n\n"
        "On another machine the browser then shows an address that does not load: paste it here.\n"
    )
    sys.stdout.flush()
    if sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
        webbrowser.open(url)


def _first_answer(door: Doorway) -> str:
    answers: Answers = queue.Queue()
    for wait in (_from_browser, _from_paste):
        threading.Thread(target=wait, args=(door, answers), daemon=True).start()
    answer = answers.get()
    if isinstance(answer, Problem):
        raise answer
    return answer


def _from_browser(door: Doorway, answers: Answers) -> None:
    try:
        answers.put(door.wait(SECONDS))
    except Problem as problem:
        answers.put(problem)


def _from_paste(_door: Doorway, answers: Answers) -> None:
    for line in sys.stdin:
        if line.strip():
            answers.put(line.strip())
            return
