"""What a browser says of the page it shows."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

LOOK = """() => {
  const isShown = (element) => element.checkVisibility({checkOpacity: true});
  const named = (element) => (element.getAttribute("aria-labelledby") ?? "").split(" ")
    .map((id) => document.getElementById(id)?.innerText ?? "").join(" ").trim();
  const nameOf = (element) => (named(element) || element.getAttribute("aria-label")
    || element.innerText).trim();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);
  const BUTTONS = "button, .button, .results a, nav a, a[style*='inline-block']";
  return {
    title: document.title,
    language: document.documentElement.lang,
    direction: document.documentElement.dir,
    headings: all("h1").map((heading) => heading.innerText),
    width: document.documentElement.scrollWidth,
    controls: all("a[href], button, select, textarea, input:not([type=hidden])").map(nameOf),
    heights: Object.fromEntries(all(BUTTONS).map(
      (button) => [nameOf(button), button.getBoundingClientRect().height])),
    runs: [...document.querySelectorAll("script, iframe, link:not([href^='data:'])")]
      .map((element) => element.outerHTML),
    pictures: [...document.images].map((image) => image.naturalWidth),
  };
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Lengths in CSS pixels; `heights` of the buttons by their names, `runs` what isn't text,
    style or picture, `pictures` the widths of those: 0 of what didn't come."""

    title: str
    language: str
    direction: str
    headings: list[str]
    width: float
    controls: list[str]
    heights: dict[str, float]
    runs: list[str]
    pictures: list[float]


def look(page: Page) -> Seen:
    facts: dict[str, Any] = page.evaluate(LOOK)
    return Seen(**facts)
