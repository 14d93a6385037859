"""A message as a TOML file: what is written is read again as the same words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.wording.message_files import MessageFileError, read, write
from dunning.wording.words import SHIPPED, Words

FILE = """\
subject = "About {{ amount }}"
button = ""
body = '''
<p class="x">One \\ two</p>
<p>It's "three".</p>'''
text = ""
"""
WORDS = Words(
    subject="About {{ amount }}", button="", text="",
    body='<p class="x">One \\ two</p>\n<p>It\'s "three".</p>',
)  # fmt: skip
# What can be kept: no surrogate, which no file in UTF-8 has.
TEXTS = st.text(st.characters(codec="utf-8")) | st.text("a'\"\\\n\t\r\x00\x7f\x85")


def test_several_lines_are_written_as_they_stand() -> None:
    assert write(WORDS) == FILE
    assert read(FILE) == WORDS


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_whatever_is_written_is_read_again(
    subject: str, button: str, body: str, text: str
) -> None:
    words = Words(subject=subject, button=button, body=body, text=text)
    assert read(write(words)) == words


def test_every_shipped_message_can_be_exported() -> None:
    for messages in SHIPPED.values():
        for words in messages.values():
            assert read(write(words)) == words


def test_what_a_file_leaves_out_is_empty() -> None:
    assert read('subject = "S"\nbody = "<p>B</p>"') == Words("S", "<p>B</p>", "", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("subject = ", "That is no TOML: Invalid value (at end of document)."),
        ("title = 'S'", "There is no 'title', only subject, button, body, text."),
        ("subject = 1", "The subject must be a text."),
        ("[body]\nen = 'x'", "The body must be a text."),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(text: str, sentence: str) -> None:
    with pytest.raises(MessageFileError) as refused:
        read(text)
    assert str(refused.value) == sentence
