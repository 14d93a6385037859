"""The language of message templates: variables, conditions and a few filters, nothing else.

Liquid without loops, assignments, attributes, ranges and whatever else could take long or grow:
a template is as quick as it is short, and can reach nothing but the facts it is given.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError

LONGEST_SOURCE = 20_000  # characters
LONGEST_MARK = 200  # characters between {{ and }}, so that no pattern of Liquid's meets more
LONGEST_OUTPUT = 100_000  # bytes; Gmail cuts a mail off after 102 kB
DEEPEST_NESTING = 10
TAGS = frozenset(
    {"if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase"}
)
# What makes a text much longer than it was (`replace`) or makes lists (`split`) isn't here.
FILTERS = ("append", "capitalize", "default", "downcase", "prepend", "truncate", "upcase")
BEHIND_TAGS = ("content", "illegal", "output")  # Liquid's own, without which it parses nothing
_MARK = re.compile(r"\{\{|\{%")
_STRAY = re.compile(r"\}\}|%\}")
_TAG_NAME = re.compile(r"-?\s*(\S*)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# Liquid's words for things that no writer of templates has heard of.
_CLEARER = {
    "found end of expression": "but the template ended",
    "found Markup": "found text",
    "found str": "found text",
}
_REFUSED = re.compile(r"[^\w\s|:,=!<>'\"-]")


class TemplateError(ValueError):
    """What is wrong with a template, in one sentence for the person who writes it."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was parsed; `variables` are the facts it speaks of."""

    variables: frozenset[str]
    _parsed: BoundTemplate

    def render(self, facts: Mapping[str, str | int]) -> str:
        """Raises TemplateError: a fact is missing, a comparison makes no sense, too much text."""
        try:
            return self._parsed.render(**facts)
        except LiquidError as error:
            raise _told(error) from error
        except (ArithmeticError, TypeError, ValueError) as error:
            raise TemplateError(f"The template can't be filled in: {error}.") from error


class _Text(Environment):
    block_nesting_limit = DEEPEST_NESTING
    context_depth_limit = DEEPEST_NESTING
    loop_iteration_limit = 1
    local_namespace_limit = 0
    output_stream_limit = LONGEST_OUTPUT


def _environment(*, is_html: bool) -> Environment:
    made = _Text(undefined=StrictUndefined, strict_filters=True, autoescape=is_html)
    kept = TAGS | set(BEHIND_TAGS)
    made.tags = {name: tag for name, tag in made.tags.items() if name in kept}
    made.filters = {name: made.filters[name] for name in FILTERS}
    return made


_ENVIRONMENTS = {is_html: _environment(is_html=is_html) for is_html in (False, True)}


@lru_cache(maxsize=1024)
def parse(source: str, *, known: frozenset[str] | None = None, is_html: bool = False) -> Template:
    """`source` as a template, whose facts are escaped where it `is_html`.

    Raises TemplateError, also for a variable that isn't among the `known`, if these are given.
    """
    _check_marks(source)
    try:
        parsed = _ENVIRONMENTS[is_html].parse(source)
        analysis = parsed.analyze()
    except LiquidError as error:
        raise _told(error) from error
    found = {name: uses[0].span.index for name, uses in analysis.variables.items()}
    filters = {name: spans[0].index for name, spans in analysis.filters.items()}
    _refuse_unknown("filter {}", filters, set(FILTERS), source)
    if known is not None:
        _refuse_unknown("variable {{{{ {} }}}}", found, known, source)
    return Template(variables=frozenset(found), _parsed=parsed)


def _refuse_unknown(
    kind: str, found: Mapping[str, int], known: Collection[str], source: str
) -> None:
    for name, index in found.items():
        if name not in known:
            raise TemplateError(
                f"Line {_line(source, index)}: there is no {kind.format(name)}; "
                f"there are {', '.join(sorted(known))}."
            )


def variables(source: str) -> frozenset[str]:
    """The names of the facts that a template speaks of. Raises TemplateError."""
    return parse(source).variables


def marks(source: str) -> Iterator[tuple[int, int]]:
    """Where each `{{ … }}` and `{% … %}` starts and ends. Raises TemplateError if one doesn't."""
    end = 0
    while mark := _MARK.search(source, end):
        closing = "}}" if mark[0] == "{{" else "%}"
        close = source.find(closing, mark.end(), mark.end() + LONGEST_MARK)
        if close < 0:
            raise TemplateError(
                f"Line {_line(source, mark.start())}: {mark[0]} isn't closed by {closing} "
                f"within {LONGEST_MARK} characters."
            )
        end = close + len(closing)
        yield mark.start(), end


def _check_marks(source: str) -> None:
    """Refuse what Liquid would allow, or would take long over."""
    if len(source) > LONGEST_SOURCE:
        raise TemplateError(f"The template is longer than {LONGEST_SOURCE:,} characters.")
    before = 0
    for start, end in chain(marks(source), [(len(source), len(source))]):
        if stray := _STRAY.search(source, before, start):
            raise TemplateError(f"Line {_line(source, stray.start())}: {stray[0]} closes nothing.")
        if start < end:
            _check_mark(source[start:end], where=f"Line {_line(source, start)}")
        before = end


def _check_mark(mark: str, *, where: str) -> None:
    inside = mark[2:-2]
    if not inside.strip("- \t\r\n"):
        raise TemplateError(f"{where}: there is nothing between the braces.")
    name = _TAG_NAME.match(inside)
    if mark.startswith("{%") and name and name[1] not in TAGS:
        raise TemplateError(f"{where}: {{% {name[1]} %}} isn't available in templates.")
    if refused := _REFUSED.search(_QUOTED.sub("", inside)):
        raise TemplateError(f"{where}: “{refused[0]}” can't be used between braces.")


def _told(error: LiquidError) -> TemplateError:
    said = str(error.message or "it can't be understood").rstrip(".")
    for theirs, ours in _CLEARER.items():
        said = said.replace(theirs, ours)
    if error.token is None or error.token.start_index < 0:
        return TemplateError(f"{said[:1].upper()}{said[1:]}.")
    return TemplateError(f"Line {_line(error.token.source, error.token.start_index)}: {said}.")


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1
