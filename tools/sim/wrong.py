"""The one exception for mistakes of the user's."""


class Wrong(Exception):
    """What the user gave cannot be done; the text says what, where, and what to do."""
