"""A finding seen behind a mending is reported where the author's own text has it."""

import pytest

from snipfix.behind import original_span
from snipfix.evidence import Span

OLD = "import torch\n\nx = F.relu(y)\nz = x + 1"


@pytest.mark.parametrize(
    ("new", "at", "expected"),
    [
        pytest.param("import torch\nimport F\n\nx = F.relu(y)\nz = x + 1", Span(5, 5, 5, 6), Span(4, 5, 4, 6), id="below an inserted line"),
        pytest.param("import torch\nimport F\n\nx = F.relu(y)\nz = x + 1", Span(2, 1, 2, 4), None, id="in the inserted line"),
        pytest.param(
            "import torch\n\nx = F.gelu(y)\nz = x + 1", Span(3, 5, 3, 11), Span(3, 1, 3, 14), id="in a changed line: the whole line"
        ),
        pytest.param("import torch\n\nx = F.relu(y)\nz = x + 1", Span(1, 8, 1, 13), Span(1, 8, 1, 13), id="nothing changed"),
    ],
)
def test_places_are_mapped_back(new: str, at: Span, expected: Span | None) -> None:
    assert original_span(OLD, new, at) == expected
