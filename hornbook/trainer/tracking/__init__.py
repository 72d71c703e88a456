"""Where a run is shown besides its folder, while it trains: `tracking` in a recipe."""

from hornbook.trainer.tracking.listener import Tracking

__all__ = ["Tracking"]
