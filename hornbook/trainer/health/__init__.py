"""What the layers of a run do while it trains: `health` in a recipe, `health.jsonl` in a run."""

from hornbook.trainer.health.recorder import HealthRecorder

__all__ = ["HealthRecorder"]
