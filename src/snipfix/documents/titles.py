"""Headings and the words around code: which question a block answers, and which fence shows its output."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from snipfix.documents.events import Heading

__all__ = ["Headings", "announces_error", "announces_wrong", "is_output_label", "language_of", "numbered"]

NUMBER = re.compile(
    r"""\s*(?:
        (?:(?:Q|Question|Problem|Exercise|Task|Example|问题|题目|题|问|例|练习)\s*\.?\s*(?P<named>\d{1,4})(?!\.?\d)|第\s*(?P<ordinal>\d{1,4})\s*[题问个])
        \s*[.．、:：)）—-]*
        | (?P<plain>\d{1,4})(?:[.．](?!\d)|[、:：)）])
        | \d+(?:\.\d+)+\.?(?=\s)
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
GENERIC = re.compile(
    r"(the |full |complete |sample |example |source |完整|参考|示例)?"
    r"(code|codes|example|examples|solution|answer|implementation|output|outputs|result|results|usage|代码|代码实例|代码示例|示例|实例|例子|答案|解答|实现|输出|结果|解析)"
    r"\s*[:：]?",
    re.IGNORECASE,
)
OUTPUT_LABEL = re.compile(
    r"(?:(?:the|expected|sample|example|its|program|console)\s+)*(?:outputs?|results?|prints?|produces)(?:\s+(?:is|are|looks? like|would be|will be))?"
    r"|(?:this|it|which|that|running (?:it|this)|the code(?: above)?)\s+(?:prints|outputs|gives|produces|raises|fails with)"
    r"|(?:代码|程序|上述代码|以上代码|预期|期望|示例|样例)?(?:的)?(?:运行|执行|打印|输出|程序|控制台)?(?:的)?(?:输出|结果|报错)(?:结果|内容|信息)?(?:将)?(?:如下|为|是)?(?:所示)?",
    re.IGNORECASE,
)
NAMED_ERROR = r"(?-i:[\w.]*(?:Error|Exception))\b"
RAISES = re.compile(
    rf"(?:raises?|throws?|fails? with|ends? (?:in|with)|results? in|(?:gives?|produces?|get) (?:an?|the|this)?)\W+(?:\w+\W+){{0,3}}?{NAMED_ERROR}"
    rf"|(?:报错|抛出|引发|触发|得到|出现)\W*(?:\w+\W+){{0,3}}?{NAMED_ERROR}|会(?:报错|失败|抛出异常)",
    re.IGNORECASE,
)
CURED = re.compile(
    r"\b(?:avoid|fix|prevent|instead|solve|correct|no longer|not?|never|without|unless|if)|n't\b|避免|解决|修复|修正|改正|改为|改成|应该|正确|不会|不再|防止|否则|如果",
    re.IGNORECASE,
)
BAD = r"(?:wrong|incorrect|bad|broken|buggy|faulty|flawed|problematic|erroneous)"
SHOWN = r"(?:code|example|way|version|implementation|snippet|approach|usage|model|loop|one)s?"
WRONG = re.compile(
    rf"\b{BAD}\W+{SHOWN}\b|\b(?:don'?t|do not|never) (?:do|write) (?:this|it|that)\b|\banti-?pattern\b"
    r"|错误(?:的)?(?:\W*)(?:示例|例子|代码|写法|做法|用法|示范|实现|版本)|反例|反面(?:例子|教材)|不要(?:这样|这么)(?:做|写)",
    re.IGNORECASE,
)
WRONG_ALONE = re.compile(rf"\W*(?:{BAD}|错误|❌|✗|✘)\W*", re.IGNORECASE)
RIGHT = re.compile(r"\b(?:right|correct|good|fixed|better|proper)\b|✅|✓|✔|正确|推荐", re.IGNORECASE)
HAN, KANA, WORD = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[\u3040-\u30ff]"), re.compile(r"[A-Za-z]{2,}")


@dataclass
class Headings:
    """The headings that a place of the document is under."""

    stack: list[Heading] = field(default_factory=list)

    def enter(self, heading: Heading) -> None:
        """A heading ends those of its level and below."""
        while self.stack and self.stack[-1].level >= heading.level:
            self.stack.pop()
        self.stack.append(heading)

    @property
    def title(self) -> str:
        """The nearest heading that says something, without its number."""
        telling = next((one for one in reversed(self.stack) if not GENERIC.fullmatch(one.text)), None)
        return numbered(telling.text)[1] if telling else ""

    @property
    def question(self) -> int | None:
        """The number of the nearest numbered heading."""
        return next((number for one in reversed(self.stack) if (number := numbered(one.text)[0]) is not None), None)

    @property
    def section(self) -> int:
        """The line of the heading that makes a unit here: the question's, else the nearest that says something."""
        by_number = (one.line for one in reversed(self.stack) if numbered(one.text)[0] is not None)
        by_name = (one.line for one in reversed(self.stack) if not GENERIC.fullmatch(one.text))
        return next(by_number, None) or next(by_name, 0)


def numbered(text: str) -> tuple[int | None, str]:
    """A heading's number, if it has a single one, and its text without it: `3. CNN`, `Q3: CNN`, `问题3：CNN`, `2.1 CNN`. A number alone stays a title."""
    match = NUMBER.match(text)
    if match is None:
        return None, text
    number = match["named"] or match["ordinal"] or match["plain"]
    return (int(number) if number else None), text[match.end() :] or text


def is_output_label(text: str) -> bool:
    """Whether a paragraph or heading announces the output of the code before it: its last line is 输出：, Output:, or the like."""
    last = text.strip().rpartition("\n")[2].strip(" *_`#")
    return len(last) <= 60 and OUTPUT_LABEL.fullmatch(last.rstrip("：:。. ")) is not None


def announces_error(text: str) -> bool:
    """Whether words say plainly that the code below them raises: `This raises a ValueError:`, `下面的代码会报错：`."""
    last = re.split(r"(?<=[.。!！?？])\s+|\n", text.strip())[-1]
    return last.endswith((":", "：")) and RAISES.search(last) is not None and CURED.search(last) is None


def announces_wrong(text: str) -> bool:
    """Whether words say plainly that the code below them is how not to do it: `The wrong way:`, `❌ 错误写法：`. Not where they speak of the cure."""
    last = re.split(r"(?<=[.。!！?？])\s+|\n", text.strip())[-1].strip(" *_`#")
    if WRONG_ALONE.fullmatch(last) and last:
        return True
    label = last.endswith((":", "：")) or len(last) <= 30
    return label and WRONG.search(last) is not None and CURED.search(WRONG.sub("", last)) is None and RIGHT.search(last) is None


def language_of(prose: str) -> str:
    """ "zh" when Chinese prevails over words in Latin letters, else "en"."""
    han = len(HAN.findall(prose))
    return "zh" if han > len(WORD.findall(prose)) and len(KANA.findall(prose)) * 5 < han else "en"
