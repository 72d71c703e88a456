"""From inputs to features: backbones, their blocks, and what stands beside them."""
