def f():
    """Do.

    ```python
    x = 1
    ```

    >>> f()
    1
    """
