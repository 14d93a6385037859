// Secrets are copied by a button, and gone from the page when it is left: a browser that keeps the
// page to go back to keeps none.
for (const button of document.querySelectorAll("[data-copy]")) {
  const secret = button.closest("section").querySelector("[data-secret]");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(secret.textContent);
    button.textContent = "Copied";
  });
}
addEventListener("pagehide", () => {
  for (const secret of document.querySelectorAll("[data-secret]")) secret.textContent = "Shown once.";
});
