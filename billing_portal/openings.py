"""Which requests for the page are somebody's opening it, as far as a request tells."""

from collections.abc import Mapping

# What browsers send with what they fetch ahead: https://wicg.github.io/nav-speculation/prefetch.html
# and, of older ones, https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Moz
AHEAD = (("Sec-Purpose", "prefetch"), ("Purpose", "prefetch"), ("X-Moz", "prefetch"))


def counts(*, method: str, headers: Mapping[str, str]) -> bool:
    """False for a look at the headers alone, and for what is fetched before anybody asks for it.

    A mail scanner that fetches the page as a browser does can't be told from one.
    """
    return method == "GET" and not is_ahead(headers)


def is_ahead(headers: Mapping[str, str]) -> bool:
    """A browser says that it fetches what its user may or may not open."""
    return any(word in headers.get(name, "").lower() for name, word in AHEAD)
