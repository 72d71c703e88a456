"""Series in time as windows and what follows each."""
