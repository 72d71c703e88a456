"""Runs on other machines, which Ray finds and gives work to. Imports Ray only where a run is sent there."""
