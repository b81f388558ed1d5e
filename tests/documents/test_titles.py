"""Titles, numbers of questions, outputs, language: what the words around a block say of it."""

import pytest

from snipfix.documents.collect import parse
from snipfix.documents.slugs import names_for, slug
from snipfix.documents.source import Source
from snipfix.documents.titles import announces_error, announces_wrong, is_output_label, language_of, numbered

NUMBERED = [
    ("1. Convolutions", (1, "Convolutions")),
    ("12) Convolutions", (12, "Convolutions")),
    ("3、卷积", (3, "卷积")),
    ("Q7: What is autograd?", (7, "What is autograd?")),
    ("Question 3 - Losses", (3, "Losses")),
    ("问题2：卷积", (2, "卷积")),
    ("第3题 卷积", (3, "卷积")),
    ("2.1 Data", (None, "Data")),
    ("3D convolutions", (None, "3D convolutions")),
    ("2 ways to do it", (None, "2 ways to do it")),
    ("2024", (None, "2024")),
    ("Question 4", (4, "Question 4")),
    ("Losses", (None, "Losses")),
]


@pytest.mark.parametrize(("heading", "expected"), NUMBERED)
def test_numbers_of_headings(heading, expected):
    assert numbered(heading) == expected


@pytest.mark.parametrize(
    "label",
    ["输出：", "**输出：**", "运行结果：", "输出结果如下：", "代码运行结果为：", "结果:", "Output:", "Output", "The output is:", "Expected output:", "Results:",
     "This prints:", "which prints", "Some words before.\nOutput:", "It outputs:"],
)  # fmt: skip
def test_words_that_announce_an_output(label):
    assert is_output_label(label)


@pytest.mark.parametrize(
    "label", ["代码实例：", "The output layer:", "Results of the first experiment, in short:", "", "Install it:", "输出层的定义："]
)
def test_words_that_do_not(label):
    assert not is_output_label(label)


@pytest.mark.parametrize(
    ("prose", "language"),
    [
        ("使用 PyTorch 实现残差网络涉及定义残差块。", "zh"),
        ("How to train a network", "en"),
        ("これはテストです。ネットワークを", "en"),
        ("", "en"),
    ],
)
def test_language_of_the_prose(prose, language):
    assert language_of(prose) == language


def read(text):
    return parse(Source.decode("a.md", text.encode()), "markdown")


BLOCK = "```python\nx = 1\n```\n"


def test_the_title_is_the_nearest_heading_that_says_something():
    document = read(f"# Book\n## 3. Losses\n#### Code\n{BLOCK}\n## Data\n{BLOCK}")
    assert [one.title for one in document.snippets] == ["Losses", "Data"]
    assert [part.question for part in document.parts] == [3, None]


def test_a_numbered_question_in_bold_letters_is_a_heading():
    document = read(f"# Quiz\n\n**1. What is autograd?**\n\n**Answer:**\n\n{BLOCK}\n**Q2: 损失？**\n\n**2. not** bold\n\n{BLOCK}")
    assert [one.title for one in document.snippets] == ["What is autograd?", "损失？"]
    assert [part.question for part in document.parts] == [1, 2]


@pytest.mark.parametrize("label", ["Output:", "#### 输出", "<!-- a comment -->\n\n**输出：**"])
@pytest.mark.parametrize("info", ["", "text", "console", "output"])
def test_a_plain_fence_under_a_label_is_the_documented_output(label, info):
    document = read(f"{BLOCK}\n{label}\n\n```{info}\n1\n```\n")
    assert [one.documented_output for one in document.snippets] == ["1\n"]
    assert document.skipped == ()


@pytest.mark.parametrize("between", ["## Next\n\nOutput:", "```bash\nls\n```\n\nOutput:", "Install:", ""])
def test_any_other_fence_is_not(between):
    document = read(f"{BLOCK}\n{between}\n\n```\n1\n```\n")
    assert [one.documented_output for one in document.snippets] == [None]


SLUGS = [
    ("PyTorch 中如何实现卷积神经网络（CNN）？", "", "cnn"),
    ("How to implement Multi-Head Attention in PyTorch?", "", "multi_head_attention"),
    ("PyTorch", "class BiLSTMTagger: pass\n", "bi_lstm_tagger"),
    ("多层神经网络", "class A: pass\nclass MLP:\n    pass\n", "mlp"),
    ("多层神经网络", "x = 1\n", "snippet"),
    ("A very long title about generative adversarial networks and convolutional autoencoders", "", "very_long_title_about_generative"),
]


@pytest.mark.parametrize(("title", "code", "expected"), SLUGS)
def test_slugs(title, code, expected):
    assert slug(title, code) == expected


@pytest.mark.parametrize(
    ("headings", "ids"),
    [
        (["1. A", "2. B", "10. C"], ["q01", "q02", "q10"]),
        (["1. A", None, "2. B"], ["q01", "q01b", "q02"]),
        ([None, "1. A"], ["q00", "q01"]),
        (["1. A", "2. B", "1. C"], ["q01", "q02", "q03"]),
        (["A", "B"], ["q01", "q02"]),
    ],
)
def test_ids_follow_the_questions_where_they_ascend(headings, ids):
    text = "".join(f"# {heading}\n{BLOCK}" if heading else BLOCK for heading in headings)
    assert [name for name, _ in names_for(read(text))] == ids


@pytest.mark.parametrize(
    "text",
    [
        "This raises a `RuntimeError`:", "The following code fails with a RuntimeError:", "下面的代码会报错：", "运行时抛出 RuntimeError：",
        "Two shapes. Running it results in the following ValueError:",
    ],
)  # fmt: skip
def test_words_that_announce_an_error(text):
    assert announces_error(text)


@pytest.mark.parametrize(
    "text",
    [
        "To avoid a RuntimeError, use:", "If you do this you get a RuntimeError:", "This throws:", "We get a shape error:", "这样做会报错，应改为：",
        "Fix the ValueError raised above:", "The code raises a ValueError. Correct version:", "It raises ValueError.", "不会报错：",
    ],
)  # fmt: skip
def test_words_that_announce_none(text):
    assert not announces_error(text)


@pytest.mark.parametrize(
    "text",
    [
        "The wrong way:", "❌ Wrong", "**Incorrect:**", "Bad example", "First a buggy version, as it is often seen:", "Don't do this:",
        "先看一段错误的代码：", "错误示例：", "❌ 错误写法", "反例：", "不要这样写：",
    ],
)  # fmt: skip
def test_words_that_announce_how_not_to_do_it(text):
    assert announces_wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "What is wrong with this code?", "To fix the wrong code:", "Instead of the wrong way, write:", "The wrong version above, corrected:",
        "The right way:", "The wrong and the right way:", "如何避免错误的写法：", "修正后的代码：", "正确示例：", "The error of the model:",
        "A broken example can hide for weeks in a long tutorial that nobody runs any more, as we shall see below", "",
    ],
)  # fmt: skip
def test_words_that_do_not_announce_it(text):
    assert not announces_wrong(text)
