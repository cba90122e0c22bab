"""Logs: readable at a terminal, JSON elsewhere, all of it in a file with tracebacks.

One line per step with rows and seconds goes to stderr; the file `logs/lakehouse.log` below the data folder keeps
everything, rotated. Libraries that would print secrets at DEBUG are kept above it.

Data flow: logging -> stderr and <data folder>/logs/lakehouse.log
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_BYTES = 5_000_000
LOG_FILES = 5
TALKATIVE = ("spotipy", "urllib3", "botocore", "boto3", "s3fs", "dlt", "sqlalchemy", "dbt", "asyncio")


class Human(logging.Formatter):
    """One short line, without traceback: that is in the file."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line for a person."""
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return f"  {mark}{record.getMessage()}"


class Json(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line for a machine."""
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class NoTraceback(logging.Filter):
    """Keeps records that are only a traceback for the file away from the terminal."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the terminal sees the record."""
        return not getattr(record, "file_only", False)


def configure(data_dir: Path) -> None:
    """Send logs to the terminal and to the data folder's log file."""
    logging.raiseExceptions = False  # a log that cannot be written (a full disk) is no traceback at the terminal
    logger = logging.getLogger("lakehouse")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_terminal())
    logger.addHandler(_file(data_dir / "logs"))
    _take_over_dlt()
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class ToFile(logging.Handler):
    """Hands records to this project's log file alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on."""
        record.file_only = True
        logging.getLogger("lakehouse.dlt").handle(record)


def _take_over_dlt() -> None:
    """Keep dlt's log, named after the folder of the checkout, from the terminal: it has a traceback per repetition."""
    from dlt.common.runtime.run_context import active

    logger = logging.getLogger(active().name)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(ToFile())


def _terminal() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Human() if sys.stderr.isatty() else Json())
    handler.addFilter(NoTraceback())
    return handler


def _file(folder: Path) -> logging.Handler:
    try:
        # the first folder that a run makes: what lies below is one listener's life, and nobody else's to read
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True)
        handler = RotatingFileHandler(
            folder / "lakehouse.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True
        )
    except OSError:
        return logging.NullHandler()
    handler.setFormatter(Json())
    return handler


@dataclass
class Step:
    """What a step has to say when it ends."""

    name: str
    facts: dict[str, object] = field(default_factory=dict)

    def tell(self, **facts: object) -> None:
        """Add facts to the step's line, such as rows."""
        self.facts.update(facts)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Time one step of the flow and write its line when it ends well."""
    current, start = Step(name), time.monotonic()
    yield current
    seconds = round(time.monotonic() - start, 2)
    words = ", ".join(
        f"{key} {value:,}" if isinstance(value, int) else f"{key} {value}" for key, value in _told(current)
    )
    text = f"{name:<22} {seconds:>6.2f} s  {words}".rstrip()
    logging.getLogger("lakehouse.flow").info(text, extra={"facts": {**current.facts, "step": name, "seconds": seconds}})


def _told(current: Step) -> list[tuple[str, object]]:
    return [(key.replace("_", " "), value) for key, value in current.facts.items() if value not in (None, "")]
