"""Our documents as HTML: headings to link to, links that lead somewhere, no HTML of a text's."""

import pytest

from recovery.api.description.markdown import Heading, inline, render, to_anchors


def html(text: str) -> str:
    return render(text, name="guide", lower=1, target=to_anchors({"other.md": "other"})).html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a `b < c` **d**", "<p>a <code>b &lt; c</code> <strong>d</strong></p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("```json\n{\"a\": \"<\"}\n```",
         ("<pre><code class=\"language-json\">{&quot;a&quot;: &quot;&lt;&quot;}\n</code></pre>")),
    ],
)  # fmt: skip
def test_what_is_html_in_a_text_stays_text(text: str, expected: str) -> None:
    assert html(text) == expected


def test_tables_are_tables() -> None:
    assert "<th>A</th>" in html("| A | B |\n|---|---|\n| `a` | b |")


def test_headings_are_lowered_and_can_be_linked_to() -> None:
    made = render("# The `guide`\n\n## What is it?", name="guide", lower=1, target=str)

    assert made.html == (
        '<h2 id="guide">The <code>guide</code></h2>\n<h3 id="guide-what-is-it">What is it?</h3>'
    )
    assert made.headings == (
        Heading(1, "The guide", "guide"), Heading(2, "What is it?", "guide-what-is-it"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://x.org/?a&b", '<a href="https://x.org/?a&amp;b">it</a>'),
        ("#here", '<a href="#here">it</a>'),
        ("other.md", '<a href="#other">it</a>'),
        ("../docs/other.md#part", '<a href="#other">it</a>'),
        ("adr/0001.md", "it"),
        ("http://x.org/", "it"),
    ],
)
def test_a_link_leads_to_the_same_page_or_to_the_web_or_nowhere(link: str, expected: str) -> None:
    assert html(f"[it]({link})") == f"<p>{expected}</p>"


def test_a_link_that_leads_nowhere_takes_no_other_with_it() -> None:
    said = html("[one](adr/1.md), [two](other.md) and [three](adr/3.md).")

    assert said == '<p>one, <a href="#other">two</a> and three.</p>'


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x"])
def test_a_link_that_would_run_something_is_none(link: str) -> None:
    assert "<a" not in html(f"[it]({link})")


def test_a_sentence_alone_needs_no_block() -> None:
    assert inline("See `a`, [b](c.md).", lambda _link: None) == "See <code>a</code>, b."
