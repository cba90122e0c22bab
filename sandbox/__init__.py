"""A small world to run against: a catalog, a listener, and Spotify's accounts service and Web API on loopback.

What the rest of the project calls:

- `sandbox.world.ensure(folder, catalog_url, seed, tracks)` makes the world once and opens it ever after;
  `World.now`, `World.advance` and `World.plays` are its clock and its truth.
- `sandbox.export.write_extended(world, path)` writes its privacy export.
- `sandbox.spotify.serve(world)` answers over real HTTP like Spotify does; faults are switched over `/admin/` routes.
- `sandbox.catalog` streams catalogs of any size, as rows, as Kaggle-shaped CSV files or into a database.

Data flow: seed -> catalog database -> listener's life (SQLite file) -> HTTP answers, privacy export, scrobbles.

The package knows nothing of sources and pipelines, so that it can be wrong in other ways than they are.
"""
