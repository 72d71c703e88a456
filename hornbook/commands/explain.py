"""The command `hornbook explain`. TensorFlow is imported when it runs."""

import json

from hornbook.commands.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    OverrideArguments,
    examples,
    import_tensorflow,
    load_or_explain,
)

__all__ = ["COMMANDS"]


def explain_command(
    config: ConfigOption, overrides: OverrideArguments = None, device: DeviceOption = None, as_json: JsonOption = False
) -> None:
    """Say of every key where it comes from and what it becomes."""
    recipe, _ = load_or_explain(config, overrides)
    import_tensorflow(device, quiet=as_json)
    from hornbook.explain.explanation import explain
    from hornbook.trainer.prepare import quiet_upstream_warnings

    quiet_upstream_warnings()
    explanation = explain(recipe)
    print(json.dumps(explanation.record(), indent=2) if as_json else "\n".join(explanation.lines()))


COMMANDS = (
    (
        explain_command,
        examples(
            "hornbook explain --config he_elu_bn.yaml", "hornbook explain -c he_elu_bn.yaml activation=selu --json"
        ),
    ),
)
