"""A run that makes an earlier one's model smaller: what it does at its end, and what it says."""
