"""Every place belongs to one profile: nothing of one can touch what another has made.

Profiles get their own data folder by default, but environment variables name one lake for all of them. So the first
run marks the data folder and the lake with its profile, and a run of another profile stops before it reads or writes
anything. The warehouse knows its profile by what is published in it.

Data flow: Settings -> `.profile` in the data folder, `_profile` in the lake
"""

from pipelines.settings import Settings
from pipelines.store import Folder, Store, open_store
from sources.problem import UsageProblem


def claim(settings: Settings) -> None:
    """Mark the data folder and the lake with the profile; for callers that hold the lock.

    Raises:
        UsageProblem: One of them belongs to another profile.
    """
    _claim(Folder(settings.data_dir), ".profile", settings.profile, "LAKEHOUSE__DATA_DIR")
    _claim(open_store(settings.lake), "_profile", settings.profile, "DESTINATION__LAKE__BUCKET_URL")


def _claim(place: Store, name: str, profile: str, setting: str) -> None:
    found = place.read(name)
    if found is None:
        place.write(name, profile.encode())
    elif found.decode() != profile:
        raise UsageProblem(
            f"{place.root} belongs to the profile {found.decode()}, this is {profile}: give each profile its own with "
            f"{setting}. (If that is wrong, delete {name} there.)"
        )
