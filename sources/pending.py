"""Before a load: what a killed run left in dlt's working folder is brought to its end, and ids follow the lake's.

dlt goes on after a kill nearly anywhere. Two moments are left, after each of which every later run would fail:

- between moving a normalized package into place and deleting the extracted one ("do not kill this process", says its
  log). Both are there then. The normalized one is whole, since it is moved in one step, so the other is rubbish.
- between marking a loaded package as complete and moving it to the loaded ones. All of it is in the lake by then, so
  what remains is the move.

A load package is named after the clock, and everything that asks for the newest one (the state that a new machine
restores, the newest version of a row) goes by that name. dlt keeps the names rising within a process. A machine whose
clock was set back would still write what counts as old, so a process also starts above the highest name of the lake.

Data flow: working folder of a killed run -> lake; names of the lake's packages -> this process's next name.
"""

from typing import TYPE_CHECKING

from sources.committed import load_ids

if TYPE_CHECKING:
    import dlt


def finish(pipeline: "dlt.Pipeline") -> bool:
    """Load what an earlier run left behind, take the state of the lake, and let the next package's id be the highest.

    The state is taken twice: a run that was killed between committing a package and writing its own state knows less
    than the package that it left.

    Returns:
        Whether there was anything to load.
    """
    pipeline.sync_destination()
    _end_half_moves(pipeline)
    _follow_the_lake(pipeline)
    if not pipeline.has_pending_data:
        return False
    pipeline.run()
    pipeline.sync_destination()
    return True


def _end_half_moves(pipeline: "dlt.Pipeline") -> None:
    normalized = pipeline.list_normalized_load_packages()
    for load_id in set(pipeline.list_extracted_load_packages()) & set(normalized):
        pipeline._get_normalize_storage().extracted_packages.delete_package(load_id)
    load = pipeline._get_load_storage()
    for load_id in normalized:
        if load.normalized_packages.is_package_completed(load_id):
            load.storage.rename_tree(load.get_normalized_package_path(load_id), load.get_loaded_package_path(load_id))


def _follow_the_lake(pipeline: "dlt.Pipeline") -> None:
    from dlt.common.time import increasing_precise_time as clock

    highest = max(map(float, load_ids(pipeline)), default=0.0)
    with clock._lock:
        clock._last = max(clock._last, highest)
