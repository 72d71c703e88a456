"""Numbers, pictures and pages, as every part of Hornbook shows them. No TensorFlow."""
