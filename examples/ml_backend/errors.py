"""The one error this backend raises on purpose."""


class Refused(ValueError):
    """Something that cannot be done, with a reason that the caller may read."""
