def exercise(recorder, namespace, code):
    pass
