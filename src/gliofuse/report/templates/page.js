"use strict";
// What is folded on the screen is open on paper.
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) {
    part.open = true;
    part.dataset.opened = "for print";
  }
});
window.addEventListener("afterprint", () => {
  for (const part of document.querySelectorAll("details[data-opened]")) {
    part.open = false;
    delete part.dataset.opened;
  }
});

// The nomogram as a calculator: the same logistic model, worked out in this page.
(() => {
  const form = document.getElementById("calculator");
  const source = document.getElementById("calculator-model");
  if (!form || !source) return;
  const model = JSON.parse(source.textContent);
  const answer = document.getElementById("calculator-answer");
  const meter = document.getElementById("calculator-meter");
  const note = document.getElementById("calculator-note");
  form.hidden = false;

  const update = (event) => {
    const changed = event && event.target;
    if (changed && changed.dataset.term && changed.tagName === "INPUT") {
      for (const twin of form.querySelectorAll(`input[data-term="${changed.dataset.term}"]`)) {
        if (twin !== changed) twin.value = changed.value;
      }
    }
    let score = model.intercept;
    const outside = [];
    for (const [place, term] of model.terms.entries()) {
      const field = form.querySelector(
        `select[data-term="${place}"], input[type=number][data-term="${place}"]`);
      const value = Number.parseFloat(field.value);
      if (Number.isNaN(value)) {
        answer.textContent = "—";
        meter.style.width = "0";
        note.textContent = `Give a number for ${term.label}.`;
        return;
      }
      if (!term.levels.length && (value < term.min || value > term.max)) outside.push(term.label);
      score += term.coefficient * value;
    }
    const probability = 1 / (1 + Math.exp(-score));
    answer.textContent = `${(100 * probability).toFixed(1)} %`;
    meter.style.width = `${100 * probability}%`;
    note.textContent = outside.length
      ? `Outside what the model was fitted on: ${outside.join(", ")}.` : "";
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();
