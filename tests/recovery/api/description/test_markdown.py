"""Our documents as HTML: what they use of Markdown, and that no text of theirs is HTML."""

import pytest

from recovery.api.description.markdown import Heading, inline, render, to_anchors


def html(text: str) -> str:
    return render(text, name="guide", lower=1, target=to_anchors({"other.md": "other"})).html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("One\ntwo.\n\nThree.", "<p>One two.</p>\n<p>Three.</p>"),
        ("a `b < c` **d & `e`** *f*", ("<p>a <code>b &lt; c</code> "
         "<strong>d &amp; <code>e</code></strong> <em>f</em></p>")),
        ("<script>&\"", "<p>&lt;script&gt;&amp;\"</p>"),
        ("`**`", "<p><code>**</code></p>"),
        ("- one\n- two\n  goes on\n- three", ("<ul><li>one</li><li>two goes on</li>"
         "<li>three</li></ul>")),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>"),
        ("Text\n```json\n{\"a\": \"<\"}\n\n# no heading\n```\nMore",
         ("<p>Text</p>\n<pre><code>{&quot;a&quot;: &quot;&lt;&quot;}\n\n# no heading</code></pre>"
         "\n<p>More</p>")),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("| A | B |\n|---|---|\n| `a` | b \\| c |", ('<div class="table"><table><thead><tr>'
         "<th>A</th><th>B</th></tr></thead><tbody><tr><td><code>a</code></td>"
         "<td>b \\| c</td></tr></tbody></table></div>")),
    ],
)  # fmt: skip
def test_a_text_becomes_html(text: str, expected: str) -> None:
    assert html(text) == expected


def test_headings_are_lowered_and_can_be_linked_to() -> None:
    made = render("# The `guide`\n\n## What is it?", name="guide", lower=1, target=str)

    assert made.html == (
        '<h2 id="guide">The <code>guide</code></h2>\n<h3 id="guide-what-is-it">What is it?</h3>'
    )
    assert made.headings == [
        Heading(1, "The guide", "guide"), Heading(2, "What is it?", "guide-what-is-it"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://x.org/?a&b", '<a href="https://x.org/?a&amp;b">it</a>'),
        ("#here", '<a href="#here">it</a>'),
        ("other.md", '<a href="#other">it</a>'),
        ("../docs/other.md#part", '<a href="#other">it</a>'),
        ("adr/0001.md", "it"),
        ("javascript:alert", "it"),
        ("http://x.org/", "it"),
    ],
)
def test_a_link_leads_to_the_same_page_or_to_the_web_or_nowhere(link: str, expected: str) -> None:
    assert html(f"[it]({link})") == f"<p>{expected}</p>"


def test_a_sentence_alone_needs_no_block() -> None:
    assert inline("See `a`, [b](c.md).", lambda _link: None) == "See <code>a</code>, b."
