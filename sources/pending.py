"""What a killed run left in dlt's working folder, brought to its end.

dlt goes on after a kill nearly anywhere, except for one: between moving a normalized package into place and deleting
the extracted one ("do not kill this process", says its log). Both are there then, and each later run fails when it
normalizes the package again. The normalized one is whole, since it is moved in one step, so the extracted one is
rubbish. Data flow: working folder of a killed run -> lake.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dlt


def finish(pipeline: "dlt.Pipeline") -> bool:
    """Load what an earlier run left behind, and take the state of the lake.

    The state is taken twice: a run that was killed between committing a package and writing its own state knows less
    than the package that it left.

    Returns:
        Whether there was anything.
    """
    pipeline.sync_destination()
    for load_id in set(pipeline.list_extracted_load_packages()) & set(pipeline.list_normalized_load_packages()):
        pipeline._get_normalize_storage().extracted_packages.delete_package(load_id)
    if not pipeline.has_pending_data:
        return False
    pipeline.run()
    pipeline.sync_destination()
    return True
