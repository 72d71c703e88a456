"""Runs behind an address: models that are loaded beside each other, requests that wait together, answers as JSON."""
