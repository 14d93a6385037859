// The editor works without this: of each step, it hides the field that its channel doesn't use.
"use strict";

for (const step of document.querySelectorAll("[data-step]")) {
  const channel = step.querySelector("select[name$='-channel']");
  const show = () => {
    for (const field of step.querySelectorAll("[data-only-for]")) {
      field.hidden = !field.dataset.onlyFor.split(" ").includes(channel.value);
    }
  };
  channel.addEventListener("change", show);
  show();
}
