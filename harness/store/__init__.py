"""Where records are kept: SQLite, PostgreSQL, exchange files, salvage."""
