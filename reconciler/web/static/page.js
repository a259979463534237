// Times as ages, copying, and the word that the connection is lost. Everything else is HTML.
"use strict";

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"]];

function age(moment) {
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  if (Number.isNaN(seconds)) return null;
  for (const [length, unit] of STEPS) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return "just now";
}

function renew() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = age(time.dateTime);
    if (words === null) continue;
    time.title = time.dateTime;
    time.textContent = words;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button === null) return;
  const text = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    // Without the clipboard (plain http beyond loopback) the text is selected, to be copied by hand.
    window.getSelection().selectAllChildren(text);
    button.textContent = "Selected";
  }
});

function lost(is) {
  for (const words of document.querySelectorAll(".lost")) words.hidden = !is;
}

document.addEventListener("htmx:sseError", () => lost(true));
document.addEventListener("htmx:sseOpen", () => lost(false));
document.addEventListener("htmx:afterSwap", renew);
setInterval(renew, 15000);
renew();
