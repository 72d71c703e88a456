"""From features to outputs: one head or several, with the losses and metrics that fit."""
