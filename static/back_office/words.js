// The preview works without this, by its button: this presses it after a pause in typing. A new
// frame each time, so that the way back in the browser doesn't lead through every preview.
"use strict";

const PAUSE = 600; // milliseconds
const form = document.getElementById("words");
const button = document.getElementById("show");
let timer;

const show = () => {
  const old = document.getElementById("preview");
  const frame = old.cloneNode();
  frame.removeAttribute("src");
  frame.dataset.width = form.elements.width.value;
  old.replaceWith(frame);
  form.requestSubmit(button);
};

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(show, PAUSE);
});
form.addEventListener("submit", (event) => {
  if (event.submitter !== button) clearTimeout(timer);
});
