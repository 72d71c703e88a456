"""What a sweep tries next: searches of keras-tuner's and samplers of Optuna's."""
