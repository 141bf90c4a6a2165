"""A small clinic's legacy database: made-up people in OpenEMR's table, changing while you look."""
