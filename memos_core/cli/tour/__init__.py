"""The tour: a year of talk that ships with the package is read, asked, changed, travelled through and forgotten."""
