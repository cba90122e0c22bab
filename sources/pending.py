"""What a killed run left in dlt's working folder, brought to its end.

dlt goes on after a kill nearly anywhere. Two moments are left, after each of which every later run would fail:

- between moving a normalized package into place and deleting the extracted one ("do not kill this process", says its
  log). Both are there then. The normalized one is whole, since it is moved in one step, so the other is rubbish.
- between marking a loaded package as complete and moving it to the loaded ones. All of it is in the lake by then, so
  what remains is the move.

Data flow: working folder of a killed run -> lake.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dlt


def finish(pipeline: "dlt.Pipeline") -> bool:
    """Load what an earlier run left behind, and take the state of the lake.

    The state is taken twice: a run that was killed between committing a package and writing its own state knows less
    than the package that it left.

    Returns:
        Whether there was anything to load.
    """
    pipeline.sync_destination()
    _end_half_moves(pipeline)
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
