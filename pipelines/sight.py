"""The lake as a run sees it while it loads: looked at once, and again only after something may have been loaded.

To look costs one listing per source and the manifests' folder, which are requests where the lake is a bucket.

Data flow: Settings -> Snapshot, kept until a pipeline is made -> loaders
"""

from typing import TYPE_CHECKING

from pipelines.integrity import sound_snapshot
from pipelines.lake import Snapshot, pipeline_for
from pipelines.settings import Settings

if TYPE_CHECKING:
    import dlt


class Sight:
    """The lake before the source in hand, and the only way to load into it."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is looked at until somebody asks."""
        self._settings = settings
        self._seen: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The committed files that are whole, and what is lost."""
        self._seen = self._seen or sound_snapshot(self._settings)
        return self._seen

    def pipeline(self, source: str) -> "dlt.Pipeline":
        """The dlt pipeline of a source; whoever asks for the snapshot after it has loaded gets a new one."""
        self._seen = None  # it may load what was left of a killed run, whatever it is made for
        return pipeline_for(self._settings, source)
