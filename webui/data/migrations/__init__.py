"""How the database is brought up to date, by Alembic."""
