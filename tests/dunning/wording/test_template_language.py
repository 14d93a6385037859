"""The template language: what it can say, what it refuses, and that nothing makes it slow."""

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dunning.wording.template_language import (
    LONGEST_OUTPUT,
    LONGEST_SOURCE,
    TemplateError,
    parse,
    variables,
)
from tests.examples import examples

FACTS: dict[str, str | int] = {"product": "Fern & <Tea>", "amount": "$49.00", "debt_count": 2}


def refusal(source: str) -> str:
    with pytest.raises(TemplateError) as refused:
        parse(source, known=frozenset(FACTS)).render(FACTS)
    return str(refused.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ""),
        ("{{ amount }} for {{product}}", "$49.00 for Fern & <Tea>"),
        ("{% if debt_count > 1 %}all{% else %}it{% endif %}", "all"),
        ("{% if debt_count == 1 %}one{% elsif debt_count == 2 %}two{% endif %}", "two"),
        ("{% unless product == '' %}{{ product }}{% endunless %}", "Fern & <Tea>"),
        ("{% case debt_count %}{% when 1 %}one{% when 2 %}two{% endcase %}", "two"),
        ("{% if product contains 'Tea' and amount != '' %}yes{% endif %}", "yes"),
        ("a {%- if true -%} b {%- endif -%} c", "abc"),
        ("{{ product | upcase | truncate: 7, '…' }}", "FERN &…"),
        ("{{ '' | default: 'friend' | capitalize }}", "Friend"),
        ("{{ 'a' | append: 'b' | prepend: 'c' | downcase }}", "cab"),
        ("{{ 'braces }' }} and { } and %", "braces } and { } and %"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_a_template_says(source: str, expected: str) -> None:
    assert parse(source, known=frozenset(FACTS)).render(FACTS) == expected


def test_a_fact_in_html_is_text() -> None:
    template = parse("<b>{{ product }}</b>{{ product | upcase }}", is_html=True)

    assert template.render(FACTS) == "<b>Fern &amp; &lt;Tea&gt;</b>FERN &amp; &lt;TEA&gt;"


def test_the_variables_of_a_template_are_found_wherever_they_are() -> None:
    source = "{% if a == b %}{{ c | append: d }}{% else %}{% case e %}{% when f %}{% endcase %}"

    assert variables(source + "{% endif %}") == {"a", "b", "c", "d", "e", "f"}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("Hi\n{{ prodct }}", ("Line 2: there is no variable {{ prodct }}; "
         "there are amount, debt_count, product.")),
        ("{% if false %}{{ nope }}{% endif %}", ("Line 1: there is no variable {{ nope }}; "
         "there are amount, debt_count, product.")),
        ("{{ product | rot13 }}", ("Line 1: there is no filter rot13; there are append, "
         "capitalize, default, downcase, prepend, truncate, upcase.")),
        ("\n\n{% for x in product %}", "Line 3: {% for %} isn't available in templates."),
        ("{% assign x = 1 %}", "Line 1: {% assign %} isn't available in templates."),
        ("{% raw %}{{{% endraw %}", "Line 1: {% raw %} isn't available in templates."),
        ("{% include 'x' %}", "Line 1: {% include %} isn't available in templates."),
        ("{% # a comment %}", "Line 1: {% # %} isn't available in templates."),
        ("{{ product.size }}", "Line 1: “.” can't be used between braces."),
        ("{{ product.__class__ }}", "Line 1: “.” can't be used between braces."),
        ("{{ product[0] }}", "Line 1: “[” can't be used between braces."),
        ("{{ (1..50000000) | default: '' }}", "Line 1: “(” can't be used between braces."),
        ("{{ product", "Line 1: {{ isn't closed by }} within 200 characters."),
        ("{{" + " " * 300 + "product }}", "Line 1: {{ isn't closed by }} within 200 characters."),
        ("a\n{% if product }", "Line 2: {% isn't closed by %} within 200 characters."),
        ("a\nproduct }}", "Line 2: }} closes nothing."),
        ("{{ product }} %}", "Line 1: %} closes nothing."),
        ("{{ - }}", "Line 1: there is nothing between the braces."),
        ("{% if product %}", "Expected tag endif, but the template ended."),
        ("{% endif %}", "Line 1: unexpected tag 'endif'."),
        ("{% if debt_count > 'x' %}a{% endif %}", ("Line 1: '<' and '>' are not supported "
         "between 'str' and 'int'.")),
        ("{{ product | truncate: 'x' }}", "Line 1: truncate expected an integer, found text."),
        ("x" * (LONGEST_SOURCE + 1), "The template is longer than 20,000 characters."),
        ("{{ product }}" * 1500 + "x" * 490, "Line 1: output stream limit reached."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(source: str, why: str) -> None:
    if "output stream" in why:
        with pytest.raises(TemplateError, match=why):
            parse(source).render({"product": "x" * 500})
        return
    assert refusal(source) == why


def test_a_fact_that_is_missing_is_named() -> None:
    with pytest.raises(TemplateError, match="'product' is undefined"):
        parse("{{ product }}").render({})


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "-", " ", "\n", "if", "elsif", "else", "endif", "unless", "case",
     "when", "endcase", "raw", "endraw", "comment", "endcomment", "doc", "liquid", "for", "in",
     "product", "amount", "debt_count", "==", "<", ">", "contains", "and", "or", "not", "|",
     "default", "append", "truncate", ":", ",", "'", '"', "'x'", "1", "-1", "1e9", "9" * 40, "..",
     "(", ")", "[", "]", ".", "nil", "empty", "blank", "true", "<b>", "é", "\x00", "\ud800"]
)  # fmt: skip
MARKS: list[Callable[[str], str]] = [
    "{{{{ {} }}}}".format, "{{% if {} %}}".format, "{{% else %}}{}".format,
    "{{% endif %}}{}".format, "{{% case {} %}}".format, "{{% when {} %}}".format,
    "{{% endcase %}}{}".format,
]  # fmt: skip
INSIDE = st.lists(PIECES, max_size=6).map(" ".join)
TEMPLATES = st.one_of(
    st.text(),
    st.lists(PIECES, max_size=60).map("".join),
    st.lists(PIECES, max_size=60).map(" ".join),
    st.lists(st.builds(lambda mark, inside: mark(inside), st.sampled_from(MARKS), INSIDE)).map(
        "".join
    ),
)


@settings(max_examples=examples(600), deadline=None)
@given(source=TEMPLATES, is_html=st.booleans())
@example(source="{{ 'a' | append: 'b' | append: }}", is_html=True)
def test_whatever_is_written_is_filled_in_or_refused(source: str, is_html: bool) -> None:
    try:
        written = parse(source, is_html=is_html).render(FACTS)
        assert len(written.encode("utf-8", "replace")) <= LONGEST_OUTPUT
    except TemplateError as error:
        refused = str(error)
        assert (refused[-1], "\n" in refused) == (".", False)


@pytest.mark.parametrize(
    "source",
    [
        "{{" + " " * 190 + "x}}",
        "{{ a }}" * 2800,
        "{% if a %}" * 1900,
        "{{ a | append: a | append: a | append: a }}" * 450,
        "{% if a and a and a and a and a and a and a and a and a %}x{% endif %}" * 280,
        "{" * LONGEST_SOURCE,
        "{%" + "-" * 190 + "%}",
        "{{ '" + "\\" * 190 + "' }}",
        "{% raw %}" * 2000,
        "<" * LONGEST_SOURCE,
    ],
    ids=range(10),
)
def test_no_template_takes_long(source: str) -> None:
    ordinary = "Dear {{ a }}, we tried to charge your card. Please look at it. " * 300

    assert seconds_for(source) < 15 * seconds_for(ordinary)


def seconds_for(source: str) -> float:
    """Of this thread's processor, the better of two: a shared machine has its moments."""

    def fill_in() -> float:
        parse.cache_clear()
        started = time.thread_time()
        with contextlib.suppress(TemplateError):
            parse(source).render({"a": "<A>" * 150})
        return time.thread_time() - started

    return min(fill_in(), fill_in())
