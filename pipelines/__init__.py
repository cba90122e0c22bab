"""The order of things: from the sources to the lake, through dbt, to the warehouse."""
