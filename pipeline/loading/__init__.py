"""Parts into the warehouse: what the manifest lists and the database has not read yet."""
