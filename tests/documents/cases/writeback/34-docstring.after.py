def f():
    """Do.

    >>> x = 1
    >>> f()

    Text.
    """
