"""What can be known to be wrong before training: `hornbook sanity`. Each check compares a measurement with theory."""

from hornbook.trainer.sanity.examine import Report, examine

__all__ = ["Report", "examine"]
