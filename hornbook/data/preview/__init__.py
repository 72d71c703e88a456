"""What can be told of data before a training: for `check` and `new`."""
