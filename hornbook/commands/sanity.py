"""The command `hornbook sanity`. TensorFlow is imported when it runs."""

import json

from hornbook.commands.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    OverrideArguments,
    QuietOption,
    examples,
    import_tensorflow,
    load_or_explain,
)
from hornbook.display.terminal import passing
from hornbook.errors import GateError

__all__ = ["COMMANDS"]


def sanity(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare data and untrained network with theory, in seconds.

    Exit code 3 where a check fails.
    """
    recipe, _ = load_or_explain(config, overrides)
    import_tensorflow(device, quiet=quiet or as_json)
    from hornbook.trainer.prepare import quiet_upstream_warnings
    from hornbook.trainer.sanity import examine

    quiet_upstream_warnings()
    with passing("checking …"):
        report = examine(recipe)
    print(json.dumps(report.record(), indent=2) if as_json else "\n".join(report.lines()))
    if report.failures:
        raise GateError(f"failed: {', '.join(report.failures)}.")


COMMANDS = (
    (
        sanity,
        examples(
            "hornbook sanity --config he_elu_bn.yaml", "hornbook sanity -c he_elu_bn.yaml initializer=zeros --json"
        ),
    ),
)
