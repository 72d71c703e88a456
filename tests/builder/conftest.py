"""Values for options: what each type allows beside its default."""

import typing

import pytest

CANDIDATES = (0.5, 0.25, 0.75, 0.05, 2, 3, -2, -0.25, 0, 1, True, False, (1,), "30%", ("10%", "20%"), (0.9, 0.8, 0.7))


def _literals(annotation):
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
    for inner in typing.get_args(annotation):
        yield from _literals(inner)


@pytest.fixture(scope="session")
def others():
    """A function: a component's class → {option: a value that is allowed and is not the default}."""
    from pydantic import ValidationError

    def find(cls):
        default, found = cls(), {}
        for option in set(cls.model_fields) - {"name", *cls.shared}:
            field = cls.model_fields[option]
            for value in (*_literals(field.annotation), *CANDIDATES):
                if (option, value) == ("learning_rate", "auto"):
                    continue  # a number takes its place before anything is built
                try:
                    changed = getattr(cls(**{option: value}), option)
                except ValidationError:
                    continue
                if changed != getattr(default, option):
                    found[option] = value
                    break
            else:
                raise AssertionError(f"{cls.__name__}.{option}: no value found to try")
        return found

    return find
