"""Figures as SVG text: one kind of figure a file, each a function of plain data."""
