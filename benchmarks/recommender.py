"""The recommender beside its baselines, on simulated listeners of different habits.

Each listener is an environment of its own: the whole flow imports their two years and measures its own lists of the
past (`gold.recommendation_quality`). Beside the measures stands what was published; that is compared with the rule,
computed here once more from the measures.

Data flow: `sandbox.habits` -> `run.py` for each listener -> gold.recommendation_quality -> a table
Run: python benchmarks/recommender.py [--seeds 1] [--tracks 8000] [--keep]
"""

import csv
import io
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from measured import ROOT, command, options, process, report

sys.path.insert(0, str(ROOT))
from sandbox.habits import HABITS

FIRST_SEED = 101
"""Nothing else in the project uses these seeds."""
KINDS = ("rediscover", "discover")
MODELS = ("ours", "popularity", "recency", "random")
MEASURES = ("hit_rate@10", "hit_rate@50", "ndcg@10", "ndcg@50", "coverage", "novelty")
QUALITY = """
select model, measure, value, is_published::int as is_published, lists
from gold.recommendation_quality order by all
"""
SPOKEN = "select distinct kind, model from gold.recommendations order by all"
Row = Mapping[str, str]


@dataclass
class Judged:
    """One list of one model on one kind of listener, over all seeds."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lists: int = 0
    published: int = 0


def live(folder: Path, habits: str, seed: int, tracks: int) -> dict[str, str]:
    """Run the whole flow for a listener; the variables of the environment."""
    env = {
        "LAKEHOUSE__DATA_DIR": str(folder / f"{habits}-{seed}"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "SANDBOX__HABITS": habits,
        "SANDBOX__SEED": str(seed),
        "SANDBOX__TRACKS": str(tracks),
    }
    process(command(), env)
    return env


def ask(env: Mapping[str, str], query: str) -> list[dict[str, str]]:
    """Answer of `run.py sql` as rows of text."""
    told = subprocess.run(
        command("sql", query, "--format", "csv"),
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return list(csv.DictReader(io.StringIO(told)))


def judge(rows: Iterable[Row], spoken: Iterable[Row], judged: Mapping[tuple[str, str], Judged]) -> None:
    """Add one listener's measures.

    Raises:
        SystemExit: What is published is not what the rule says.
    """
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    published = set()
    for row in rows:
        model, _, kind = row["model"].partition("/")
        if not kind:
            continue
        found[kind, model][row["measure"]] = float(row["value"] or "nan")
        judged[kind, model].values[row["measure"]].append(float(row["value"] or "nan"))
        if row["measure"] == "ndcg@50":
            judged[kind, model].lists += int(row["lists"])
        if row["is_published"] == "1":
            published.add((kind, model))
    for kind in KINDS:
        speaks = rule({model: found[kind, model] for model in MODELS})
        if {(kind, speaks)} != {pair for pair in published if pair[0] == kind}:
            raise SystemExit(f"{kind}: the rule says {speaks}, but gold says {sorted(published)}")
        judged[kind, speaks].published += 1
    if told := {(row["kind"], row["model"]) for row in spoken} - published:
        raise SystemExit(f"gold.recommendations speaks for {sorted(told)}, which is not published")


def rule(found: Mapping[str, Mapping[str, float]]) -> str:
    """Which model may speak: ours where it beats every baseline, else the better of the two that know something."""
    ours, others = found["ours"], [found[model] for model in MODELS[1:]]
    is_better = all(
        all(ours[name] > other[name] for name in ("ndcg@10", "ndcg@50"))
        and all(ours[name] >= other[name] for name in ("hit_rate@10", "hit_rate@50"))
        for other in others
    )
    return "ours" if is_better else min(MODELS[1:3], key=lambda model: (-found[model]["ndcg@50"], model))


def table(listeners: Mapping[str, Mapping[tuple[str, str], Judged]], seeds: int) -> str:
    """All measures, means over the seeds."""
    head = ("listener", "list", "model", *MEASURES, "weeks", "published")
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|" + "--:|" * (len(head) - 3)]
    for habits, judged in listeners.items():
        for kind in KINDS:
            for model in MODELS:
                one = judged[kind, model]
                values = (f"{mean(one.values[measure]):.3f}" for measure in MEASURES)
                cells = (habits, kind, model, *values, str(one.lists), f"{one.published} of {seeds}")
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Lives, judges, prints."""
    asked = options(__doc__, seeds=1, tracks=8000)
    listeners: dict[str, dict[tuple[str, str], Judged]] = {}
    with tempfile.TemporaryDirectory(prefix="recommender_") as temporary:
        for habits in HABITS:
            judged = listeners[habits] = {(kind, model): Judged() for kind in KINDS for model in MODELS}
            for seed in range(FIRST_SEED, FIRST_SEED + asked.seeds):
                env = live(Path(temporary), habits, seed, asked.tracks)
                judge(ask(env, QUALITY), ask(env, SPOKEN), judged)
                print(habits, seed, flush=True)
    text = f"{asked.tracks:,} tracks, means over {asked.seeds} seeds; measured on up to 26 weeks of each history.\n\n"
    report("Recommender", text + table(listeners, asked.seeds), keep=asked.keep)


if __name__ == "__main__":
    main()
