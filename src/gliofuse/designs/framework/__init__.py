"""What every design rests on; the papers are one floor up, one file each."""
