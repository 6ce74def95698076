"""One SQLAlchemy engine, metadata and transaction for the engines that live in a SQL database."""
