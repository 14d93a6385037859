"""Markup as text, and text on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.wording.plain_text import from_html, one_line


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ""),
        ("<p>One &amp; two</p><p>Three<br>four</p>", "One & two\n\nThree\nfour"),
        ("<h2>Title</h2>\n  <p>a\n b</p>", "Title\n\na b"),
        ("<ul><li>a</li><li>b</li></ul><p>c</p>", "- a\n- b\n\nc"),
        ("<ol><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ol>",
         "1. a\n2. b\n\n- c\n\n3. d"),
        ("<li>alone</li>", "- alone"),
        ('<p>See <a href="https://x.example/?a=1&amp;b=2">our page</a>.</p>',
         "See our page (https://x.example/?a=1&b=2)."),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="https://x.example"></a>', "https://x.example"),
        ('<a href="mailto:jo@x.example">jo@x.example</a>', "jo@x.example"),
        ("<a>nowhere</a>", "nowhere"),
        ("</a></ul>x", "x"),
        ("<blockquote>q</blockquote><strong>s</strong> <em>e</em>", "q\n\ns e"),
        ("&lt;script&gt;", "<script>"),
    ],
)  # fmt: skip
def test_markup_becomes_text(html: str, expected: str) -> None:
    assert from_html(html) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\x0bc\u2028d\x85e", "a b c d e"),
        ("  a \t b ", "a b"),
        ("49,00\xa0€ 1\u202f234", "49,00\xa0€ 1\u202f234"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("👩\u200d💻 é", "👩\u200d💻 é"),
        ("\n", ""),
    ],
)
def test_a_line_is_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_a_line_that_is_too_long_is_cut() -> None:
    assert one_line("abc defg", longest=8) == "abc defg"
    assert one_line("abc defg", longest=5) == "abc…"


@given(text=st.text())
def test_whatever_the_text_its_line_has_no_break(text: str) -> None:
    line = one_line(text, longest=40)

    assert line.splitlines() in ([], [line])
    assert len(line) <= 40
    assert not any(ord(sign) < 32 for sign in line)
