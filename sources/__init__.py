"""Where the data comes from: one folder per source, named like its config section, its dataset and its dbt prefix."""
