"""What each format but Markdown calls code, prose, output and comment."""

import json

from snipfix.documents import writeback
from snipfix.documents.collect import FORMATS, parse
from snipfix.documents.source import Source
from snipfix.evidence import Span


def read(path, text):
    return parse(Source.decode(path, text.encode()), FORMATS[path[path.rindex(".") :]])


def codes(document):
    return [(one.line, one.code) for one in document.snippets]


REST = """Notes
=====

.. highlight:: python

1. Losses
---------

Some ``code`` and :func:`torch.nn.Linear`::

    import torch
    x = torch.ones(3)

.. code-block::
   :linenos:
   :emphasize-lines: 1,
      2

   print(x)

Output::

    tensor([1., 1., 1.])

* In a list:

  .. code:: py

     a = 1

  .. note::

     And deeper::

       import math

.. A comment

   .. code-block:: python

      never()

.. snipfix: skip reason="old"

.. sourcecode:: python

   skipped()

.. code-block:: console

   $ ls

.. literalinclude:: net.py

>>> for i in range(2):
...     print(i)
0
1

.. testcode::

   print(2)

.. testoutput::

   2
"""


def test_rest():
    document = read("a.rst", REST)
    assert codes(document) == [
        (11, "import torch\nx = torch.ones(3)\n"),
        (19, "print(x)\n"),
        (29, "a = 1\n"),
        (35, "import math\n"),
        (55, "for i in range(2):\n    print(i)\n"),
        (62, "print(2)\n"),
    ]
    assert [one.documented_output for one in document.snippets] == [None, "tensor([1., 1., 1.])\n", None, None, "0\n1\n", "2\n"]
    assert [one.reason for one in document.skipped] == [
        "marked skip: old",
        "not Python (console)",
        "a file that is included from elsewhere",
    ]
    assert {one.title for one in document.snippets} == {"Losses"}
    assert document.snippets[1].before == (document.snippets[0],)


def test_hidden_setup_of_rest_runs_first():
    document = read("a.rst", ".. testsetup::\n\n   import torch\n\n.. testcode::\n\n   print(1)\n")
    assert [[one.code for one in snippet.before] for snippet in document.snippets] == [[], ["import torch\n"]]


def notebook(*cells, language="python"):
    full = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} if isinstance(cell, str | list) else cell for cell in cells
    ]
    return json.dumps({"cells": full, "metadata": {"kernelspec": {"language": language}}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def test_notebook_cells_share_a_namespace_and_nothing_else_runs():
    document = read(
        "a.ipynb",
        notebook(
            {"cell_type": "markdown", "metadata": {}, "source": ["# Losses\n", "\n", "```python\n", "shown()\n", "```"]},
            ["import torch\n", "x = torch.ones(2)"],
            "%%bash\nls",
            ["!pip install torch\n", "print(x)\n"],
            "",
        ),
    )
    assert [one.code for one in document.snippets] == ["import torch\nx = torch.ones(2)", "\nprint(x)\n"]
    assert [one.title for one in document.snippets] == ["Losses", "Losses"]
    assert document.snippets[1].before == (document.snippets[0],)
    assert [one.reason for one in document.skipped] == [
        "in a text cell of the notebook",
        "a %%bash cell, not Python",
        "left out, not Python: !pip install torch",
        "nothing in it",
    ]


def test_notebook_tags_and_outputs():
    shown = {"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}
    cell = {"cell_type": "code", "metadata": {"tags": ["raises-exception"]}, "outputs": [], "source": "1 / 0"}
    document = read("a.ipynb", notebook({"cell_type": "code", "metadata": {}, "outputs": [shown], "source": "print(1)\nprint(2)"}, cell))
    assert [one.documented_output for one in document.snippets] == ["1\n2\n", None]
    assert [one.expect_error for one in document.snippets] == [False, True]
    assert json.loads(writeback.rewrite(document, {}, {"a:1": "1\n3\n"}))["cells"][0]["outputs"][0]["text"] == ["1\n", "3\n"]


def test_a_notebook_in_another_language_is_not_looked_at():
    document = read("a.ipynb", notebook("x <- 1", language="R"))
    assert [one.reason for one in document.skipped] == ["not Python (r)"]


def test_what_is_to_stand_first_stands_below_the_magics_at_the_head():
    """`%%time` anywhere but in the first line is an error, and a package is imported after it is installed."""
    document = read("a.ipynb", notebook("%%time\nprint(F)", ["!pip install x\n", "%matplotlib inline\n", "\n", "import b"]))
    codes = {one.id: "import a\n" + one.code for one in document.snippets}
    cells = json.loads(writeback.rewrite(document, codes))["cells"]
    assert [cell["source"] for cell in cells] == [
        "%%time\nimport a\nprint(F)",
        ["!pip install x\n", "%matplotlib inline\n", "import a\n", "\n", "import b"],
    ]


def test_notebook_lines_grow_and_shrink():
    document = read("a.ipynb", notebook(["a = 1\n", "b = 2\n", "c = 3"], "x = 1"))
    new = json.loads(writeback.rewrite(document, {"a:1": 'a = 1\nif a:\n    d = "\\n"\nc = 3', "a:2": "x = 1\ny = 2"}))
    assert [cell["source"] for cell in new["cells"]] == [["a = 1\n", "if a:\n", '    d = "\\n"\n', "c = 3"], "x = 1\ny = 2"]


PAGE = """<!DOCTYPE html><html><head><script>var x = "<pre>import no</pre>";</script></head><body>
<h2>Q2: What is <code>nn.Linear</code>?</h2>
<!-- snipfix: skip reason="x" -->
<pre class="python">skipped()</pre>
<pre><code class="lang-py hljs">
import torch
print(1 &gt; 0, "&#39;")
</code></pre>
<p><strong>输出:</strong></p>
<pre>True '</pre>
<pre><code class="language-bash">ls</code></pre>
<div class="highlight-default"><pre><span></span><span class="gp">&gt;&gt;&gt; </span><span class="n">x</span>
<span class="go">1</span>
</pre></div>
<p>inline <code>import torch</code></p>
"""


def test_html():
    document = read("a.html", PAGE)
    assert codes(document) == [(6, 'import torch\nprint(1 > 0, "\'")\n'), (12, "x\n")]
    assert document.snippets[0].documented_output == "True '"
    assert document.snippets[0].title == "What is nn.Linear?"
    assert [one.reason for one in document.skipped] == ["marked skip: x", "not Python (bash)"]


def test_a_session_in_html_is_mended_with_its_prompts():
    """A changed line is written plain, prompt and all: its tags would not close."""
    document = read("a.html", PAGE)
    new = writeback.rewrite(document, {"a:2": "for y in x:\n    y < 1\n"})
    old = '<span></span><span class="gp">&gt;&gt;&gt; </span><span class="n">x</span>\n'
    assert new.decode() == PAGE.replace(old, "&gt;&gt;&gt; for y in x:\n...     y &lt; 1\n")


def test_places_are_those_of_the_escaped_text():
    page = '<pre class="py"><b>a</b> = "&lt;&#20013;"; <i>print</i>(b)\nc</pre>\n'
    document = read("a.html", page)
    (snippet,) = document.snippets
    for wanted, column in (("print", snippet.code.index("print") + 1), ("b)", snippet.code.index("b)") + 1)):
        at = snippet.locate(Span(1, column, 1, column + 1))
        assert page[at.column - 1 :].startswith(wanted)
    assert snippet.locate(Span(2, 1, 2, 2)) == Span(2, 1, 2, 2)


def test_places_in_a_notebook_are_those_of_its_json():
    text = notebook('a = "\\n"\nprint("😀", b)', ['x = "y"\n', 'print("中", z)'])
    document = read("a.ipynb", text)
    one, other = document.snippets
    lines = text.split("\n")
    for snippet, name in ((one, "b)"), (other, "z)")):
        line = snippet.code.split("\n")[1]
        at = snippet.locate(Span(2, line.index(name) + 1, 2, line.index(name) + 2))
        assert lines[at.line - 1][at.column - 1 :].startswith(name)


MODULE = '''"""A module.

>>> print(double(2))
4

Prose between examples.

>>> x = double(4)
>>> print(x)
8
"""


def double(x):
    """Twice x.

    ```python
    double(3)
    ```

    ```bash
    ls
    ```
    """
    return 2 * x


class Net:
    def forward(self):
        r"""Example::

            >>> Net().forward()
        """
        return "\\n"
'''


def test_docstring_examples_build_on_their_file():
    document = read("mod.py", MODULE)
    module, first, second, third = document.snippets
    assert module.code == MODULE
    assert (first.line, first.code) == (3, "print(double(2))\n\n\n\n\nx = double(4)\nprint(x)\n")
    assert first.documented_output == "4\n8\n"
    assert (second.line, second.title, second.code) == (18, "double", "double(3)\n")
    assert (third.title, third.code) == ("Net.forward", "Net().forward()\n")
    assert all(one.before == (module,) for one in (first, second, third))
    assert [one.reason for one in document.skipped] == ["not Python (bash)"]


APART = '''import torch
from torch import nn


def f(x):
    """Do.

    >>> import torch
    >>> x = torch.ones(3)
    >>> f(x)

    ```python
    f(nn.Linear(3, 1)(x))
    ```
    """
    return x


def g(x):
    """Do.

    >>> import torch
    >>> g(x)
    """
    return x
'''


def test_a_docstring_knows_nothing_of_another_one():
    module, first, second, third = read("mod.py", APART).snippets
    assert first.before == (module,)
    assert [one.id for one in second.before] == ["mod:1", "mod:2"]
    assert third.before == (module,)


def test_a_docstring_example_is_mended_in_place():
    document = read("mod.py", MODULE)
    new = writeback.rewrite(document, {"mod:2": document.snippets[1].code.replace("x = double(4)", "y = 4\nx = double(y)")})
    assert new.decode() == MODULE.replace(">>> x = double(4)", ">>> y = 4\n>>> x = double(y)")


def test_a_python_file_is_no_sketch():
    (snippet,) = read("mod.py", "UNSET = ...\n\n\nraise_late = ValueError  # ValueError\n").snippets
    assert not snippet.expect_error


def test_a_false_output_of_a_docstring_is_mended_in_place():
    document = read("mod.py", MODULE)
    new = writeback.rewrite(document, {}, {"mod:2": "5\n8\n"})
    assert new.decode() == MODULE.replace("\n4\n", "\n5\n", 1)


def test_a_docstring_may_show_fences_directives_and_prompts():
    text = '''def f():
    """Do.

    ```python
    f(1)
    ```

    >>> f(2)
    2

    Example::

        import math
        f(math.pi)

    .. code-block:: python

        f(3)

    >>> f(4)
    """
'''
    found = [(one.line, one.code) for one in read("mod.py", text).snippets[1:]]
    assert found == [
        (5, "f(1)\n"),
        (8, "f(2)\n" + "\n" * 11 + "f(4)\n"),
        (13, "import math\nf(math.pi)\n"),
        (18, "f(3)\n"),
    ]


def test_a_docstring_with_escapes_is_left_alone():
    document = read("mod.py", 'def f():\n    """Do.\n\n    >>> print("a\\n")\n    """\n')
    assert len(document.snippets) == 1
    assert "escapes" in document.skipped[0].reason
