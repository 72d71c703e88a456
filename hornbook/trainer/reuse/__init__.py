"""What a run does with reused layers: when they learn, what is kept of them, and what they gained."""
