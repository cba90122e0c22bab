"""What a killed run left in dlt's working folder, brought to its end.

dlt goes on after a kill nearly anywhere. Two moments are left, after each of which every later run would fail:

- between moving a normalized package into place and deleting the extracted one ("do not kill this process", says its
  log). Both are there then. The normalized one is whole, since it is moved in one step, so the other is rubbish.
- between marking a loaded package as complete and moving it to the loaded ones. All of it is in the lake by then, so
  what remains is the move.

Data flow: working folder of a killed run -> lake.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sources.problem import Problem

if TYPE_CHECKING:
    import dlt

PLACES = ("normalize/extracted", "load/new", "load/normalized")


def waits(folder: Path) -> bool:
    """Whether packages of an earlier run wait in a pipeline's folder; told without dlt, for a quiet run's sake."""
    places = [folder / place for place in PLACES]
    return any(place.is_dir() and any(place.iterdir()) for place in places)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what dlt complains of while something is loaded into a Problem; one raised inside comes out as it is.

    So does an interruption.

    Raises:
        Problem: The load failed.
    """
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, Problem | KeyboardInterrupt):
                raise cause from None
            cause = cause.__cause__ or cause.__context__
        failed = getattr(error, "exception", None) or error
        failed = getattr(failed, "client_exception", None) or failed  # what dlt says of a job is a traceback
        said = str(failed).strip().splitlines() or [type(failed).__name__]
        raise Problem(
            f"Loading {what} into the lake failed: {said[0].rstrip('.')}. Nothing of this load counts; the next "
            "run goes on. Check DESTINATION__LAKE__BUCKET_URL and DESTINATION__LAKE__CREDENTIALS__*."
        ) from error


def finish(pipeline: "dlt.Pipeline") -> bool:
    """Load what an earlier run left behind, and take the state of the lake.

    The state is taken twice: a run that was killed between committing a package and writing its own state knows less
    than the package that it left. Where no package of this machine has been loaded yet, what waits goes first: the lake
    may not even have its tables, and then dlt throws away all that waits.

    Returns:
        Whether there was anything to load.
    """
    _end_half_moves(pipeline)
    waited: bool = pipeline.first_run and pipeline.has_pending_data
    if waited:
        pipeline.normalize()
        pipeline.load()
    pipeline.sync_destination()
    if pipeline.has_pending_data:
        pipeline.run()
        pipeline.sync_destination()
        waited = True
    return waited


def _end_half_moves(pipeline: "dlt.Pipeline") -> None:
    normalized = pipeline.list_normalized_load_packages()
    for load_id in set(pipeline.list_extracted_load_packages()) & set(normalized):
        pipeline._get_normalize_storage().extracted_packages.delete_package(load_id)
    load = pipeline._get_load_storage()
    for load_id in normalized:
        if load.normalized_packages.is_package_completed(load_id):
            load.storage.rename_tree(load.get_normalized_package_path(load_id), load.get_loaded_package_path(load_id))
