"""What is wrong with a request."""

__all__ = ["RequestError"]


class RequestError(Exception):
    """A request that cannot be answered; with the status of HTTP, and a message for who sent it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
