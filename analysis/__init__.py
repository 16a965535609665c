"""SQL models, datasets and the report, over a DuckDB connection handed in."""
