"""The one error of this tool that a person is meant to read."""


class HostError(RuntimeError):
    """Something that the stand-in application needs is missing or not covered; the message says what to do about it."""
