"""Every setting, resolved once, typed and checked.

This is the only module that knows profiles and defaults; all others get values. Values come through dlt's own
providers: environment variables over `.dlt/<profile>.secrets.toml` and `.dlt/<profile>.config.toml` over
`.dlt/config.toml`. With nothing set, everything is embedded: a SQLite catalog, a sandbox for Spotify, a folder as
the lake and a DuckDB file as the warehouse, all under the data folder of the profile.

Data flow: environment, .dlt/*.toml -> Settings
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines import configured
from pipelines.configured import at_least, memory, one_of, optional, path, place, secret, share, value, zone
from sandbox.habits import EVERYDAY, HABITS
from sources.problem import UsageProblem

ROOT = Path(__file__).resolve().parent.parent
PROFILES = ("dev", "staging", "prod", "tests")
SOURCES = ("catalog", "spotify_export", "curation", "spotify_api")
"""In the order of a run: the API's budget is spent on what the history names."""

STRATEGIES = ("full", "watermark", "partition")
URL_STYLES = ("path", "vhost")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPOTIFY_API_URL = "https://api.spotify.com/v1/"
SPOTIFY_ACCOUNTS_URL = "https://accounts.spotify.com"


@dataclass(frozen=True)
class TableSettings:
    """How one catalog table is read; None leaves the choice to the table itself."""

    strategy: str | None
    cursor: str | None
    partition: str | None
    allow_shrink: bool


@dataclass(frozen=True)
class CatalogSettings:
    """The catalog database, any SQLAlchemy URL."""

    credentials: str
    is_default: bool
    tables: Mapping[str, TableSettings]

    @property
    def file(self) -> Path:
        """The SQLite file of the default."""
        return Path(self.credentials.removeprefix("sqlite:///"))


@dataclass(frozen=True)
class SpotifyApiSettings:
    """The Spotify Web API; without a client id the sandbox stands in for it."""

    api_url: str
    accounts_url: str
    client_id: str | None
    client_secret: str | None
    refresh_token: str | None
    daily_budget: int


@dataclass(frozen=True)
class SpotifyExportSettings:
    """The inbox folder of privacy exports."""

    inbox: Path
    keep_place: bool


@dataclass(frozen=True)
class LakeSettings:
    """The lake: a folder or a bucket with a prefix; None where the cloud's own defaults apply."""

    bucket_url: str
    aws_access_key_id: str | None
    aws_secret_access_key: str | None
    endpoint_url: str | None
    region_name: str | None
    s3_url_style: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the lake is a folder of this machine."""
        return "://" not in self.bucket_url or self.bucket_url.startswith("file://")

    @property
    def folder(self) -> Path:
        """The folder of a local lake."""
        return Path(self.bucket_url.removeprefix("file://"))


@dataclass(frozen=True)
class WarehouseSettings:
    """The warehouse: `postgresql://...` or the path of a DuckDB file; the rest is for making its roles."""

    url: str
    admin_credentials: str | None = None
    loader_password: str | None = None
    publisher_password: str | None = None
    metabase_password: str | None = None

    @property
    def is_postgres(self) -> bool:
        """Whether the warehouse is a Postgres server."""
        return self.url.startswith(("postgresql://", "postgres://"))


@dataclass(frozen=True)
class MetabaseSettings:
    """Where the dashboards go, who signs in there, and the warehouse's URL where Metabase reaches it another way."""

    url: str | None = None
    user: str | None = None
    password: str | None = None
    api_key: str | None = None
    warehouse: str | None = None


@dataclass(frozen=True)
class SandboxSettings:
    """The size and the seed of the sandbox's world, and whose life it is."""

    seed: int
    tracks: int
    habits: str


@dataclass(frozen=True)
class Settings:
    """All settings of one profile."""

    profile: str
    root: Path
    data_dir: Path
    timezone: str
    week_start: str
    min_play_seconds: int
    min_play_share: float
    session_gap_minutes: int
    curation: Path
    lock_wait: int
    memory_limit: str | None
    alert_command: str | None
    alert_url: str | None
    catalog: CatalogSettings
    spotify_api: SpotifyApiSettings
    spotify_export: SpotifyExportSettings
    lake: LakeSettings
    warehouse: WarehouseSettings
    sandbox: SandboxSettings
    metabase: MetabaseSettings = MetabaseSettings()

    @property
    def uses_sandbox(self) -> bool:
        """Whether the sandbox plays Spotify: never in prod, never when a real client is named."""
        return self.profile != "prod" and self.spotify_api.client_id is None


def load(profile: str | None = None) -> Settings:
    """Resolve the settings of a profile.

    Args:
        profile: Name of the profile; None takes `WORKSPACE__PROFILE`, or `dev`.

    Raises:
        UsageProblem: There is no such profile; or a value is missing or wrong: its environment variable is named.
    """
    known(profile or os.environ.get("WORKSPACE__PROFILE"))
    if profile:
        os.environ["WORKSPACE__PROFILE"] = profile
    name = known(_profile(profile))
    data_dir = path("lakehouse.data_dir", ROOT / ".dlt" / "data" / name, ROOT)
    os.environ["DLT_DATA_DIR"] = str(data_dir)  # dlt keeps pipelines below it, and its dashboard looks there
    return Settings(
        profile=name,
        root=ROOT,
        data_dir=data_dir,
        timezone=value("lakehouse.timezone", "UTC", check=zone),
        week_start=value("lakehouse.week_start", "monday", check=one_of(WEEKDAYS)),
        min_play_seconds=value("lakehouse.min_play_seconds", 30, check=at_least(0)),
        min_play_share=value("lakehouse.min_play_share", 0.0, check=share),
        session_gap_minutes=value("lakehouse.session_gap_minutes", 30, check=at_least(1)),
        curation=path("lakehouse.curation", data_dir / "curation", ROOT),
        lock_wait=value("lakehouse.lock_wait", 600, check=at_least(0)),
        memory_limit=optional("lakehouse.memory_limit", check=memory),
        alert_command=optional("lakehouse.alert_command"),
        alert_url=place("lakehouse.alert_url", configured.webhook),
        catalog=_catalog(data_dir),
        spotify_api=_spotify_api(),
        spotify_export=SpotifyExportSettings(
            inbox=path("sources.spotify_export.inbox", data_dir / "inbox", ROOT),
            keep_place=value("sources.spotify_export.keep_place", False),
        ),
        lake=_lake(data_dir),
        warehouse=_warehouse(data_dir),
        sandbox=SandboxSettings(
            seed=value("sandbox.seed", 20, check=at_least(0)),
            tracks=value("sandbox.tracks", 3000, check=at_least(200)),
            habits=value("sandbox.habits", EVERYDAY, check=one_of(tuple(HABITS))),
        ),
        metabase=_metabase(),
    )


def known(profile: str | None) -> str:
    """The profile, `dev` where none is named.

    Raises:
        UsageProblem: There is none of this name; dlt would make it, and folders for it.
    """
    if profile and profile not in PROFILES:
        raise UsageProblem(
            f"There is no profile {profile}: name one of {', '.join(PROFILES)} with --profile or WORKSPACE__PROFILE."
        )
    return profile or PROFILES[0]


def _profile(wanted: str | None) -> str:
    from dlt.common.runtime.run_context import active, switch_context

    context = active()
    if wanted and getattr(context, "profile", wanted) != wanted:  # dlt reads the variable once in a process
        context = switch_context(context.run_dir, wanted)
    name: str = getattr(context, "profile", "dev")
    return name


def _catalog(data_dir: Path) -> CatalogSettings:
    from sources.catalog import NAMES

    url = place("sources.catalog.credentials", configured.catalog)
    tables = {table: _table(f"sources.catalog.{table}") for table in NAMES}
    return CatalogSettings(url or f"sqlite:///{data_dir / 'catalog.sqlite'}", url is None, tables)


def _table(section: str) -> TableSettings:
    return TableSettings(
        strategy=optional(f"{section}.strategy", check=one_of(STRATEGIES)),
        cursor=optional(f"{section}.cursor"),
        partition=optional(f"{section}.partition"),
        allow_shrink=value(f"{section}.allow_shrink", False),
    )


def _spotify_api() -> SpotifyApiSettings:
    section = "sources.spotify_api"
    return SpotifyApiSettings(
        api_url=value(f"{section}.api_url", SPOTIFY_API_URL),
        accounts_url=value(f"{section}.accounts_url", SPOTIFY_ACCOUNTS_URL),
        client_id=secret(f"{section}.client_id"),
        client_secret=secret(f"{section}.client_secret"),
        refresh_token=secret(f"{section}.refresh_token"),
        daily_budget=value(f"{section}.daily_budget", 600, check=at_least(1)),
    )


def _lake(data_dir: Path) -> LakeSettings:
    section = "destination.lake"
    url = place(f"{section}.bucket_url", configured.lake) or str(data_dir / "lake")
    if "://" not in url:
        url = str((ROOT / url).resolve())
    return LakeSettings(
        bucket_url=url.rstrip("/"),
        aws_access_key_id=secret(f"{section}.credentials.aws_access_key_id"),
        aws_secret_access_key=secret(f"{section}.credentials.aws_secret_access_key"),
        endpoint_url=secret(f"{section}.credentials.endpoint_url"),
        region_name=secret(f"{section}.credentials.region_name"),
        s3_url_style=secret(f"{section}.credentials.s3_url_style", check=one_of(URL_STYLES)),
    )


def _warehouse(data_dir: Path) -> WarehouseSettings:
    section = "destination.warehouse"
    url = place(f"{section}.credentials", configured.warehouse) or str(data_dir / "warehouse.duckdb")
    return WarehouseSettings(
        url=url if "://" in url else str((ROOT / url).resolve()),
        admin_credentials=secret(f"{section}.admin_credentials"),
        loader_password=secret(f"{section}.loader_password"),
        publisher_password=secret(f"{section}.publisher_password"),
        metabase_password=secret(f"{section}.metabase_password"),
    )


def _metabase() -> MetabaseSettings:
    section = "metabase"
    return MetabaseSettings(
        url=secret(f"{section}.url"),
        user=secret(f"{section}.user"),
        password=secret(f"{section}.password"),
        api_key=secret(f"{section}.api_key"),
        warehouse=secret(f"{section}.warehouse"),
    )
