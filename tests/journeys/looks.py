"""What a browser says of the page it shows."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

# The contrast is WCAG 2.2's, of each text with what is painted behind it.
LOOK = """() => {
  const channels = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    return color.startsWith("color(srgb")
      ? [...found.slice(0, 3).map((part) => part * 255), found[3] ?? 1]
      : [...found.slice(0, 3), found[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const canvas = isDark ? [18, 18, 18] : [255, 255, 255];
  const behind = (element) => {
    if (!element) return canvas;
    const color = channels(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, behind(element.parentElement));
  };
  const light = (color) => {
    const [red, green, blue] = color.map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (element) => {
    const ground = behind(element);
    const ink = over(channels(getComputedStyle(element).color), ground);
    const [dark, bright] = [light(ink), light(ground)].sort((one, other) => one - other);
    return (bright + 0.05) / (dark + 0.05);
  };
  const isShown = (element) => element.checkVisibility({checkOpacity: true});
  const texts = [...document.querySelectorAll("body, body *")].filter((element) =>
    isShown(element) && [...element.childNodes].some(
      (child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim()));
  const named = (element) => (element.getAttribute("aria-labelledby") ?? "").split(" ")
    .map((id) => document.getElementById(id)?.innerText ?? "").join(" ").trim();
  const nameOf = (element) => (named(element) || element.getAttribute("aria-label")
    || element.innerText
    || [...(element.labels ?? [])].map((label) => label.innerText).join(" ")).trim();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);
  // What WCAG asks of any page, as far as it can be told from the page alone.
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  const languages = new Intl.DisplayNames("en", {type: "language", fallback: "none"});
  const faultless = {
    "an id is there twice": ids.length === new Set(ids).size,
    "a label names nothing": [...document.querySelectorAll("[aria-labelledby]")].every(
      (element) => element.getAttribute("aria-labelledby").split(" ").every(
        (id) => ids.includes(id))),
    "an image has no text": [...document.images].every((image) => image.hasAttribute("alt")),
    "a language is unknown": [...document.querySelectorAll("[lang]")].every(
      (element) => languages.of(element.lang)),
    "headings skip a level": all("h1, h2, h3, h4, h5, h6")
      .map((heading) => Number(heading.tagName[1]))
      .every((level, at, levels) => level <= (at ? levels[at - 1] + 1 : 1)),
    "a text is in no landmark": texts.every(
      (element) => element.closest("header, main, footer, nav")),
    "a list holds what is no entry": [...document.querySelectorAll("dl > *, dl > div > *")].every(
      (element) => ["DIV", "DT", "DD"].includes(element.tagName)),
    "a page can't be enlarged": !/user-scalable|maximum-scale/.test(
      document.querySelector("meta[name=viewport]")?.content ?? ""),
    "the tab order is not the page's": !document.querySelector("[tabindex], [autofocus]"),
    "something runs or loads":
      !document.querySelector("script, iframe, img, link:not([href^='data:'])"),
  };
  const BUTTONS = "button, .button, .results a, nav a, a[style*='inline-block']";
  return {
    title: document.title,
    language: document.documentElement.lang,
    direction: document.documentElement.dir,
    landmarks: all("header, main, footer, nav").map((element) => element.tagName.toLowerCase()),
    faults: Object.keys(faultless).filter((fault) => !faultless[fault]),
    headings: all("h1").map((heading) => heading.innerText),
    width: document.documentElement.scrollWidth,
    controls: all("a[href], button, select, textarea, input:not([type=hidden])").map(nameOf),
    heights: Object.fromEntries(all(BUTTONS).map(
      (button) => [nameOf(button), button.getBoundingClientRect().height])),
    contrasts: texts.map((element) => [element.innerText.slice(0, 60), contrast(element)]),
  };
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Lengths in CSS pixels; `heights` of the buttons by their names, `contrasts` of the texts."""

    title: str
    language: str
    direction: str
    landmarks: list[str]
    faults: list[str]
    headings: list[str]
    width: float
    controls: list[str]
    heights: dict[str, float]
    contrasts: list[tuple[str, float]]

    def fainter_than(self, least: float) -> list[tuple[str, float]]:
        return [(text, contrast) for text, contrast in self.contrasts if contrast < least]


def look(page: Page) -> Seen:
    facts: dict[str, Any] = page.evaluate(LOOK)
    return Seen(**facts)
