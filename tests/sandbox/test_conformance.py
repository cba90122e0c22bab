"""The sandbox against Spotify's own words: our facts always, whole documents and recorded answers where they are."""

import importlib.util
import json
from collections import Counter
from copy import deepcopy
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.environment import GIVEN

SPOKEN = GIVEN / "spotify_api"
GONE = {"available_markets", "popularity", "label", "followers"}
NEEDS_GIVEN = pytest.mark.skipif(not SPOKEN.exists(), reason="TEST_DATA has no documents of Spotify")
REMOVED = (
    "tracks?ids=0", "albums?ids=0", "artists?ids=0", "episodes?ids=0", "shows?ids=0", "audiobooks?ids=0",
    "chapters?ids=0", "markets", "browse/new-releases", "browse/categories", "browse/categories/x", "users/somebody",
    "users/somebody/playlists", "audio-features/{track}", "audio-features?ids={track}", "audio-analysis/{track}",
    "recommendations", "artists/{artist}/top-tracks", "artists/{artist}/related-artists",
)  # fmt: skip


def load_facts():
    spec = importlib.util.spec_from_file_location("sandbox_facts", Path(__file__).with_name("facts.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


facts = load_facts()


@pytest.fixture
def answers(get, server):
    """One answer of each kind, in both modes."""

    def collect():
        recent = get("me/player/recently-played", limit=50).json()
        track = recent["items"][0]["track"]
        return {
            "recently_played": recent,
            "track": get(f"tracks/{track['id']}").json(),
            "album": get(f"albums/{track['album']['id']}").json(),
            "artist": get(f"artists/{track['artists'][0]['id']}").json(),
            "me": get("me").json(),
            "audio_features": get(f"audio-features/{track['id']}").json(),
        }

    development = collect()
    server.admin("POST /admin/mode", {"quota": "extended"})
    return {"development": development, "extended": collect()}


def test_development_mode_answers_have_exactly_the_fields_that_we_know(answers):
    told = answers["development"]
    shapes = {"recently_played": facts.RECENTLY_PLAYED, "track": facts.TRACK, "album": facts.ALBUM,
              "artist": facts.ARTIST, "me": facts.ME, "audio_features": facts.ERROR}  # fmt: skip
    assert [one for name, shape in shapes.items() for one in facts.differences(told[name], shape, name)] == []


def test_extended_quota_answers_have_exactly_the_fields_that_we_know(answers):
    told = answers["extended"]
    shapes = {"recently_played": facts.EXTENDED_RECENTLY_PLAYED, "track": facts.EXTENDED_TRACK,
              "album": facts.EXTENDED_ALBUM, "artist": facts.EXTENDED_ARTIST, "me": facts.EXTENDED_ME,
              "audio_features": facts.AUDIO_FEATURES}  # fmt: skip
    assert [one for name, shape in shapes.items() for one in facts.differences(told[name], shape, name)] == []


def test_a_difference_is_found():
    assert facts.differences({"a": 1, "c": [True]}, {"a": str, "b": int, "c": [int]}) != []
    assert len(facts.differences({"a": 1, "c": [True], "d": 0}, {"a": str, "b": int, "c": [int]})) == 4


def test_the_same_context_is_sometimes_null(answers):
    contexts = [item["context"] for item in answers["development"]["recently_played"]["items"]]
    assert None in contexts
    assert any(contexts)


@pytest.mark.parametrize("path", REMOVED)
def test_removed_endpoints_answer_403(get, path):
    track = get.recent()[0]["track"]
    answer = get(path.format(track=track["id"], artist=track["artists"][0]["id"]))
    assert (answer.status_code, answer.json()) == (403, {"error": {"status": 403, "message": "Forbidden"}})


def test_extended_quota_brings_batches_and_audio_features_back(get, server):
    server.admin("POST /admin/mode", {"quota": "extended"})
    wanted = list(dict.fromkeys(item["track"]["id"] for item in get.recent()))[:5]
    batch = get("tracks", ids=",".join([*wanted, "0" * 22])).json()["tracks"]
    assert [track and track["id"] for track in batch] == [*wanted, None]
    features = get("audio-features", ids=",".join(wanted)).json()["audio_features"]
    assert [one["id"] for one in features if one] == wanted


def test_wrong_ids_are_400_and_unknown_ones_404(get):
    assert get("tracks/nonsense").json() == {"error": {"status": 400, "message": "Invalid base62 id"}}
    assert get(f"albums/{'0' * 22}").json() == {"error": {"status": 404, "message": "Resource not found"}}
    assert get("nowhere").status_code == 404


def test_only_get_is_answered(server, get):
    import requests

    assert requests.put(f"{server.api_url}me", headers=get.headers, timeout=30).status_code == 405


@pytest.fixture
def top(server, get):
    """Reads the listener's top with a token that may."""
    from urllib.parse import parse_qs, urlsplit

    import requests

    back = "http://127.0.0.1:9/cb"
    asked = {"client_id": server.client_id, "response_type": "code", "redirect_uri": back, "scope": "user-top-read"}
    landed = requests.get(f"{server.accounts_url}/authorize", params=asked, allow_redirects=False, timeout=30)
    code = parse_qs(urlsplit(landed.headers["Location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    auth = (server.client_id, server.client_secret)
    token = requests.post(f"{server.accounts_url}/api/token", data=form, auth=auth, timeout=30).json()["access_token"]
    get.headers = {"Authorization": f"Bearer {token}"}
    return get


@pytest.mark.parametrize(("kind", "expected"), [("tracks", facts.TOP_TRACK), ("artists", facts.ARTIST)])
def test_the_listeners_top_is_counted_from_the_truth(top, world, kind, expected):
    body = top(f"me/top/{kind}", limit=5, time_range="short_term").json()
    assert set(body) == {"items", "total", "limit", "offset", "href", "next", "previous"}
    assert [one for item in body["items"] for one in facts.differences(item, expected)] == []
    plays = [p for p in world.plays(world.now - timedelta(days=28)) if p.is_offerable and p.kind == "track"]
    artist_of = {p.item_id: world.store.track(p.item_id).artists[0] for p in plays}
    counted = Counter(p.item_id if kind == "tracks" else artist_of[p.item_id] for p in plays)
    assert counted[body["items"][0]["id"]] == max(counted.values())
    assert len({item["id"] for item in body["items"]}) == 5
    second = top(f"me/top/{kind}", limit=5, offset=5, time_range="short_term").json()
    assert not {item["id"] for item in second["items"]} & {item["id"] for item in body["items"]}
    assert second["previous"]
    assert top(f"me/top/{kind}", time_range="always").status_code == 400


@NEEDS_GIVEN
@pytest.mark.parametrize("kind", ["tracks", "artists"])
def test_the_listeners_top_equals_the_derived_answers_in_shape(top, kind):
    ours = shape(top(f"me/top/{kind}", limit=3).json())
    known = recorded(f"development_mode/me_top_{kind}.json")
    assert missing(known, ours) == []


def shape(value):
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def missing(recorded, ours, where=""):
    """Names that a recorded answer has and ours lacks, and places where the types differ."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        lacking = [f"{where}.{name}" for name in recorded.keys() - ours.keys()]
        both = recorded.keys() & ours.keys()
        return lacking + [one for name in both for one in missing(recorded[name], ours[name], f"{where}.{name}")]
    if isinstance(recorded, list) and isinstance(ours, list):
        return missing(recorded[0], ours[0], f"{where}[]") if recorded and ours else []
    nullable = {"NoneType", "str"} if where.endswith(("preview_url", "next")) else set()
    return [] if recorded == ours or {recorded, ours} <= nullable else [f"{where}: {recorded} is {ours} here"]


def recorded(name):
    return shape(json.loads((SPOKEN / name).read_text()))


@NEEDS_GIVEN
@pytest.mark.parametrize(
    ("name", "kind"),
    [("track", "track"), ("album", "album"), ("artist", "artist"), ("recently_played_20", "recently_played"),
     ("recently_played_2_null_context", "recently_played")],
)  # fmt: skip
def test_development_mode_equals_the_derived_answers_in_shape(answers, name, kind):
    told = answers["development"][kind]
    expected, ours = recorded(f"development_mode/{name}.json"), shape(told)
    if kind == "recently_played":
        expected["items"][0].pop("context")
    assert missing(expected, ours) == []
    newer = {".is_local", ".release_date", ".release_date_precision", ".total_tracks"}
    assert all(one.endswith(tuple(newer)) or "context" in one for one in missing(ours, expected))


@NEEDS_GIVEN
@pytest.mark.parametrize("kind", ["track", "album", "artist", "audio_features"])
def test_extended_quota_equals_the_recorded_answers_in_shape(answers, kind):
    assert missing(recorded(f"recorded/{kind}.json"), shape(answers["extended"][kind])) == []


@NEEDS_GIVEN
def test_contexts_equal_the_recorded_ones_in_shape(answers):
    items = json.loads((SPOKEN / "recorded/recently_played_20.json").read_text())["items"]
    real = next(item["context"] for item in items if item["context"])
    ours = [i["context"] for i in answers["development"]["recently_played"]["items"] if i["context"]]
    assert {tuple(sorted(one)) for one in ours} == {tuple(sorted(real))}


@NEEDS_GIVEN
@pytest.mark.parametrize(
    ("name", "fault"),
    [("error_429_quota_exceeded", {"kind": "quota"}), ("error_429_rate_limit", {"kind": "rate_limit"})],
)
def test_errors_equal_the_known_ones(get, server, name, fault):
    server.admin("POST /admin/faults", fault)
    assert get("me").json() == json.loads((SPOKEN / f"development_mode/{name}.json").read_text())


@NEEDS_GIVEN
def test_refusals_and_the_empty_page_equal_the_known_ones(get, server, refreshed):
    def known(name):
        return json.loads((SPOKEN / f"development_mode/{name}.json").read_text())

    assert get("markets").json() == known("error_403_removed_endpoint")
    empty, expected = get("me/player/recently-played", before=1, limit=50).json(), known("recently_played_empty")
    assert {**empty, "href": ""} == {**expected, "href": ""}
    server.admin("POST /admin/tokens", {"revoke": True})
    assert refreshed().json() == known("token_invalid_grant")


@cache
def document(name):
    import yaml

    return yaml.safe_load((SPOKEN / name).read_text())


def validator(name, schema, removed):
    """A validator of one schema; removed fields are no longer required."""
    from openapi_schema_validator import OAS30Validator

    root = deepcopy(document(name))
    patch(root["components"]["schemas"], removed)
    return OAS30Validator({"$ref": f"#/components/schemas/{schema}", "components": root["components"]})


def patch(node, removed):
    if isinstance(node, dict):
        if isinstance(node.get("required"), list):
            node["required"] = [one for one in node["required"] if one not in removed]
        properties = node.get("properties")
        for name in ("context", "cursors", "next"):  # recorded answers hold null here, whatever the document says
            if isinstance(properties, dict) and name in properties:
                properties[name] = {"nullable": True, "anyOf": [properties[name], {"enum": [None]}]}
        for one in node.values():
            patch(one, removed)
    elif isinstance(node, list):
        for one in node:
            patch(one, removed)


@NEEDS_GIVEN
@pytest.mark.parametrize(
    ("mode", "name", "removed"),
    [("development", "openapi.yml", GONE), ("extended", "openapi-extended-quota.yml", frozenset())],
)
def test_answers_validate_against_the_whole_document(answers, mode, name, removed):
    schemas = {"recently_played": "CursorPagingPlayHistoryObject", "track": "TrackObject", "album": "AlbumObject",
               "artist": "ArtistObject", "me": "PrivateUserObject",
               "audio_features": "AudioFeaturesObject"}  # fmt: skip
    if mode == "development":
        del schemas["audio_features"]
    odd = []
    for kind, schema in schemas.items():
        errors = validator(name, schema, removed).iter_errors(answers[mode][kind])
        odd += [f"{kind} {list(error.absolute_path)}: {error.message[:200]}" for error in errors]
    assert odd == []


@NEEDS_GIVEN
def test_the_document_refuses_a_spoiled_answer(answers):
    spoiled = deepcopy(answers["development"]["recently_played"])
    del spoiled["items"][0]["track"]["album"]["release_date"]
    spoiled["items"][1]["track"]["duration_ms"] = "long"
    assert len(list(validator("openapi.yml", "CursorPagingPlayHistoryObject", GONE).iter_errors(spoiled))) == 2
