"""Words that names are made of, genres, and names that break naive code.

Data flow: tables here -> names of artists, albums and tracks in `sandbox.catalog`.
"""

from collections.abc import Mapping
from random import Random

_TEXTS: Mapping[str, str] = {
    "latin": (
        "Amber Velvet Harbour Paper Northern Silent Copper Electric Hollow Golden Winter Neon Broken Distant Marble "
        "Salt Quiet Wild Lunar Crystal River Tiger Signal Mirror Garden Thunder Engine Ghost Satellite Orchard Avenue "
        "Machine "
        "Sparrow Lantern Ocean Canyon Static Parade Shadow Ember Cinema Bloom Motel Horizon Feather Anchor Fever Atlas"
    ),
    "accents": (
        "Café Señor Björk Mañana Żółw Łódź Straße Über Fjörd Çiçek Ağaç Šárka Dvořák Œuvre Île Nuñez Håkan Crème Noël "
        "Český Köln São Coração Été Où Ðögg Þór Ånd Bébé Größe Ünlü Išlo Kölsch Ñandú Zoë"
    ),
    "cyrillic": "Кино Звезда Река Ночь Город Весна Тишина Поезд Зеркало Осень Время Ёлка Їжак Љубав",
    "greek": "Θάλασσα Νύχτα Αγάπη Ουρανός Φως Δρόμος Σιωπή Άνεμος",
    "hebrew": "לילה ים אור שקט דרך חלום שמש גשם",
    "arabic": "ليل قمر بحر حلم مدينة صحراء نور موسيقى",
    "devanagari": "रात सपना नदी चाँद दिल बारिश रास्ता आवाज़",
    "thai": "กลางคืน ทะเล ความรัก ดวงดาว ฝน บ้าน",
    "chinese": "夜曲 星空 海洋 城市 春天 沉默 火車 鏡子 龍",
    "japanese": "夜空 さくら カメレオン 銀河 ほたる レモン 花火 アパート",
    "korean": "밤하늘 봄날 바다 거울 도시 별빛 기차 소나기",
    "georgian": "ღამე ზღვა სიყვარული ქალაქი მთვარე",
    "armenian": "Գիշեր Ծով Քաղաք Լույս",
    "ethiopic": "ሌሊት ባሕር ፍቅር ከተማ",
    "signs": "♥ ∆ 🌙 🔥 👩‍🎤 🇧🇷 ✝ ░▒▓ ☀️ ¥",
}
SCRIPTS: Mapping[str, tuple[str, ...]] = {script: tuple(text.split()) for script, text in _TEXTS.items()}
SCRIPT_WEIGHTS = (62, 12, 4, 1.5, 1, 1.5, 1.5, 1, 3, 4, 4, 0.7, 0.5, 0.5, 1)

HARD_NAMES = (
    "112", "311", "702", "NULL", "null", "None", "nan", "N/A", "NA", "true", "False", "007", "1e5", "-", ".", "0",
    "+44", "1999-12-31", "12:30", '"Heroes"', 'Say "No"', "O'Malley's", "It''s", "AC\\DC", "C:\\new\\tape", "\\", "\\N",
    "two\nlines", "carriage\r\nreturn", "tab\tbed", " leading", "trailing ", "a,b;c|d", "=1+1", "@home",
    "%s {0} ${HOME}", "<b>&amp;</b>", "Robert'); DROP TABLE spotify_tracks;--", "['list']", "{'dict': None}",
    "e\u0301te\u0301", "été", "Ⅷ", "𝕸𝖊𝖙𝖆𝖑", "ﷺ", "zero\u200bwidth", "\u202eright to left",
    "İstanbul", "ß", "Σίσυφος", "🎧🎧🎧", "?", "N" * 300,
)  # fmt: skip
"""Names that type inference, quoting, escaping, trimming or narrow columns spoil; all of them could be real ones."""

Means = tuple[float, float, float, float, float, float]
GENRES: Mapping[str, tuple[str, ...]] = {
    "rock": ("rock", "indie rock", "garage rock", "alternative rock", "shoegaze", "post-punk"),
    "pop": ("pop", "dance pop", "electropop", "synthpop", "art pop", "bedroom pop"),
    "hip hop": ("hip hop", "rap", "boom bap", "trap", "conscious hip hop", "r&b"),
    "electronic": ("house", "techno", "deep house", "drum and bass", "downtempo", "idm"),
    "folk": ("folk", "singer-songwriter", "indie folk", "americana", "freak folk"),
    "jazz": ("jazz", "bebop", "vocal jazz", "nu jazz", "jazz fusion"),
    "classical": ("classical", "baroque", "minimalism", "compositional ambient"),
    "ambient": ("ambient", "drone", "new age", "space music"),
    "metal": ("metal", "doom metal", "death metal", "metalcore", "black metal"),
    "soul": ("soul", "funk", "motown", "neo soul", "disco"),
    "latin": ("latin", "reggaeton", "cumbia", "bossa nova", "salsa", "mpb"),
    "asia": ("k-pop", "j-pop", "city pop", "mandopop", "anime", "bollywood"),
}
"""Families of genres."""

MEANS: Mapping[str, Means] = {
    # energy, acousticness, danceability, valence, instrumentalness, tempo
    "rock": (0.75, 0.12, 0.5, 0.5, 0.12, 126),
    "pop": (0.66, 0.2, 0.66, 0.56, 0.02, 119),
    "hip hop": (0.64, 0.16, 0.76, 0.5, 0.02, 102),
    "electronic": (0.76, 0.07, 0.72, 0.42, 0.6, 126),
    "folk": (0.36, 0.74, 0.5, 0.42, 0.08, 112),
    "jazz": (0.36, 0.68, 0.54, 0.5, 0.4, 110),
    "classical": (0.16, 0.93, 0.3, 0.2, 0.8, 100),
    "ambient": (0.2, 0.72, 0.28, 0.14, 0.86, 94),
    "metal": (0.92, 0.02, 0.38, 0.3, 0.22, 130),
    "soul": (0.6, 0.34, 0.68, 0.68, 0.04, 112),
    "latin": (0.66, 0.34, 0.7, 0.68, 0.02, 115),
    "asia": (0.7, 0.24, 0.6, 0.54, 0.03, 122),
}

_NOUNS = ("Band", "Collective", "Trio", "Sisters", "Club", "Project", "Orchestra", "Sound System")
_EDITS = ("Live", "Acoustic", "Remastered 2011", "Radio Edit", "Demo", "Instrumental")


def script_of(rng: Random) -> str:
    """Return the script that an artist writes in."""
    return rng.choices(tuple(SCRIPTS), SCRIPT_WEIGHTS)[0]


def artist_name(rng: Random, script: str) -> str:
    """Return a name for an artist who writes in the script."""
    words = SCRIPTS[script]
    first, second = rng.choice(words), rng.choice(words)
    shape = rng.random()
    if script == "latin" and shape < 0.45:
        return f"The {first} {second}s" if shape < 0.2 else f"{first} {second} {rng.choice(_NOUNS)}"
    return first if shape < 0.6 else f"{first} {second}"


def title(rng: Random, script: str) -> str:
    """Return a title of a track or an album."""
    words = SCRIPTS[script] if rng.random() < 0.85 else SCRIPTS["latin"]
    shape = int(rng.random() * 8)
    name = rng.choice(words)
    if shape < 5:
        name = f"{name} {rng.choice(words)}"
    if shape == 4:
        name = f"{name} {rng.choice(words)}"
    return f"{name} - {rng.choice(_EDITS)}" if shape == 7 and rng.random() < 0.3 else name
