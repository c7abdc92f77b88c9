"""A fitted design kept for new patients: a folder that is safe to load, and what it predicts."""
