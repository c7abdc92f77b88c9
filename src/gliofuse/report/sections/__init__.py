"""The report's data, section by section: each function reads tables and returns plain data."""
