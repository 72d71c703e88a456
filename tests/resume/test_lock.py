"""Two processes never train the same run at the same time."""

import fcntl

import pytest

from hornbook.errors import RunError


def test_a_run_that_another_process_trains_is_not_resumed(train, stop_at):
    from hornbook.trainer.resume import resume

    cut = train({"training": {"epochs": 2}}, callbacks=[stop_at([(1, 2)])])
    before = (cut.run / "result.json").read_text()
    with (cut.run / "log.txt").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # what a training process holds
        with pytest.raises(RunError, match="another process is training this run"):
            resume(cut.run)
        assert (cut.run / "result.json").read_text() == before
    assert resume(cut.run).state == "finished"


def test_a_run_is_locked_while_it_trains(train, tensorflow):
    import keras

    from hornbook.runs.writing import RunDirectory

    class Intruder(keras.callbacks.Callback):
        messages: list[str] = []  # noqa: RUF012

        def on_epoch_end(self, epoch, logs=None):
            try:
                with RunDirectory((self.runs / "few" / "latest").resolve()).locked():
                    pass
            except RunError as error:
                self.messages.append(str(error))

    result = train({"training": {"epochs": 2}}, callbacks=[Intruder()])
    assert len(Intruder.messages) == len(result.history)
