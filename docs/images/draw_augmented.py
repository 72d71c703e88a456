"""Draws augmented.png: images as training shows them. Run it from the repository: python docs/images/draw_augmented.py"""

from pathlib import Path

from hornbook import load_recipe, startup

TARGET = Path(__file__).resolve().with_name("augmented.png")
RECIPE = """
data:
  name: fashion_mnist
  augmentation: {shift: 0.1, flip: horizontal, brightness: 0.2, cutout: 0.3, mixup: 0.4, cutmix: 1.0}
model: cnn
"""


def main() -> None:
    """Draw what `hornbook train --dry-run --sample` draws."""
    startup.import_tensorflow()
    from hornbook.inference.augmented import augmented_sheet
    from hornbook.trainer.prepare import prepare

    prepared = prepare(load_recipe(RECIPE))
    TARGET.write_bytes(augmented_sheet(prepared.recipe, prepared.splits, is_small=True))


if __name__ == "__main__":
    main()
