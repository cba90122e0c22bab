"""Every setting, resolved once, typed and checked.

This is the only module that knows profiles and defaults; all others get values. Values come through dlt's own
providers: environment variables over `.dlt/<profile>.secrets.toml` and `.dlt/<profile>.config.toml` over
`.dlt/config.toml`. With nothing set, everything is embedded: a SQLite catalog, a sandbox for Spotify, a folder as
the lake and a DuckDB file as the warehouse, all under the data folder of the profile.

Data flow: environment, .dlt/*.toml -> Settings
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sources.problem import UsageProblem

ROOT = Path(__file__).resolve().parent.parent
STRATEGIES = ("full", "watermark", "partition")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPOTIFY_API_URL = "https://api.spotify.com/v1/"
SPOTIFY_ACCOUNTS_URL = "https://accounts.spotify.com"

T = TypeVar("T")


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
    """The size and the seed of the sandbox's world."""

    seed: int
    tracks: int


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
        UsageProblem: A value is missing or wrong; the message names its environment variable.
    """
    if profile:
        os.environ["WORKSPACE__PROFILE"] = profile
    name = _profile()
    data_dir = _path("lakehouse.data_dir", ROOT / ".dlt" / "data" / name)
    os.environ["DLT_DATA_DIR"] = str(data_dir)  # dlt keeps pipelines below it, and its dashboard looks there
    return Settings(
        profile=name,
        root=ROOT,
        data_dir=data_dir,
        timezone=_value("lakehouse.timezone", "UTC", check=_zone),
        week_start=_value("lakehouse.week_start", "monday", check=_one_of(WEEKDAYS)),
        min_play_seconds=_value("lakehouse.min_play_seconds", 30, check=_at_least(0)),
        min_play_share=_value("lakehouse.min_play_share", 0.0, check=_share),
        session_gap_minutes=_value("lakehouse.session_gap_minutes", 30, check=_at_least(1)),
        curation=_path("lakehouse.curation", data_dir / "curation"),
        lock_wait=_value("lakehouse.lock_wait", 600, check=_at_least(0)),
        alert_command=_optional("lakehouse.alert_command"),
        alert_url=_optional("lakehouse.alert_url"),
        catalog=_catalog(data_dir),
        spotify_api=_spotify_api(),
        spotify_export=SpotifyExportSettings(
            inbox=_path("sources.spotify_export.inbox", data_dir / "inbox"),
            keep_place=_value("sources.spotify_export.keep_place", False),
        ),
        lake=_lake(data_dir),
        warehouse=_warehouse(data_dir),
        sandbox=SandboxSettings(
            seed=_value("sandbox.seed", 20, check=_at_least(0)),
            tracks=_value("sandbox.tracks", 3000, check=_at_least(200)),
        ),
        metabase=_metabase(),
    )


def _profile() -> str:
    from dlt.common.runtime.run_context import active

    name: str = getattr(active(), "profile", "dev")
    return name


def _catalog(data_dir: Path) -> CatalogSettings:
    from sources.catalog import NAMES

    url = _secret("sources.catalog.credentials")
    tables = {table: _table(f"sources.catalog.{table}") for table in NAMES}
    return CatalogSettings(url or f"sqlite:///{data_dir / 'catalog.sqlite'}", url is None, tables)


def _table(section: str) -> TableSettings:
    return TableSettings(
        strategy=_optional(f"{section}.strategy", check=_one_of(STRATEGIES)),
        cursor=_optional(f"{section}.cursor"),
        partition=_optional(f"{section}.partition"),
        allow_shrink=_value(f"{section}.allow_shrink", False),
    )


def _spotify_api() -> SpotifyApiSettings:
    section = "sources.spotify_api"
    return SpotifyApiSettings(
        api_url=_value(f"{section}.api_url", SPOTIFY_API_URL),
        accounts_url=_value(f"{section}.accounts_url", SPOTIFY_ACCOUNTS_URL),
        client_id=_secret(f"{section}.client_id"),
        client_secret=_secret(f"{section}.client_secret"),
        refresh_token=_secret(f"{section}.refresh_token"),
        daily_budget=_value(f"{section}.daily_budget", 600, check=_at_least(1)),
    )


def _lake(data_dir: Path) -> LakeSettings:
    section = "destination.lake"
    url = _optional(f"{section}.bucket_url") or str(data_dir / "lake")
    if "://" not in url:
        url = str((ROOT / url).resolve())
    return LakeSettings(
        bucket_url=url.rstrip("/"),
        aws_access_key_id=_secret(f"{section}.credentials.aws_access_key_id"),
        aws_secret_access_key=_secret(f"{section}.credentials.aws_secret_access_key"),
        endpoint_url=_secret(f"{section}.credentials.endpoint_url"),
        region_name=_secret(f"{section}.credentials.region_name"),
    )


def _warehouse(data_dir: Path) -> WarehouseSettings:
    section = "destination.warehouse"
    url = _secret(f"{section}.credentials") or str(data_dir / "warehouse.duckdb")
    return WarehouseSettings(
        url=url if "://" in url else str((ROOT / url).resolve()),
        admin_credentials=_secret(f"{section}.admin_credentials"),
        loader_password=_secret(f"{section}.loader_password"),
        publisher_password=_secret(f"{section}.publisher_password"),
        metabase_password=_secret(f"{section}.metabase_password"),
    )


def _metabase() -> MetabaseSettings:
    section = "metabase"
    return MetabaseSettings(
        url=_secret(f"{section}.url"),
        user=_secret(f"{section}.user"),
        password=_secret(f"{section}.password"),
        api_key=_secret(f"{section}.api_key"),
        warehouse=_secret(f"{section}.warehouse"),
    )


def _value(key: str, default: T, check: Callable[[T], str | None] | None = None) -> T:
    value = _configured(key, type(default))
    if value is None:
        return default
    if check and (fault := check(value)):
        raise UsageProblem(f"{variable(key)} is {value!r}: {fault}")
    return value


def _optional(key: str, check: Callable[[str], str | None] | None = None) -> str | None:
    return _value(key, "", check) or None


def _secret(key: str) -> str | None:
    import dlt

    value: str | None = dlt.secrets.get(key, str) or dlt.config.get(key, str)
    return value


def _path(key: str, default: Path) -> Path:
    return (ROOT / Path(_value(key, str(default))).expanduser()).resolve()


def _configured(key: str, kind: type[T]) -> T | None:
    import dlt
    from dlt.common.configuration.exceptions import ConfigValueCannotBeCoercedException

    try:
        value: T | None = dlt.config.get(key, kind)
    except (ConfigValueCannotBeCoercedException, ValueError) as error:
        raise UsageProblem(f"{variable(key)} must be of type {kind.__name__}: correct it there or in .dlt/") from error
    return value


def variable(key: str) -> str:
    """The environment variable of a setting: `lakehouse.timezone` is `LAKEHOUSE__TIMEZONE`."""
    return key.upper().replace(".", "__")


def _zone(name: str) -> str | None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "no such time zone; give a name such as Europe/Berlin"
    return None


def _one_of(known: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda value: None if value in known else f"give one of {', '.join(known)}"


def _at_least(least: int) -> Callable[[int], str | None]:
    return lambda value: None if value >= least else f"give {least} or more"


def _share(value: float) -> str | None:
    return None if 0 <= value <= 1 else "give a share between 0 and 1"
