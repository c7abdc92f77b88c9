"use strict";
// The nomograms as calculators.
for (const form of document.querySelectorAll("form.calculator")) {
  const model = JSON.parse(form.querySelector("script").textContent);
  const answers = form.querySelectorAll("output");
  const meters = form.querySelectorAll(".meter div");
  const note = form.querySelector(".calculator-note");
  form.hidden = false;

  const show = (probabilities) => {
    for (const [place, answer] of answers.entries()) {
      const share = 100 * probabilities[place];
      answer.textContent = Number.isNaN(share) ? "—" : `${share.toFixed(1)} %`;
      meters[place].style.width = `${share || 0}%`;
    }
  };
  const update = (event) => {
    const changed = event && event.target;
    if (changed && changed.dataset.term && changed.tagName === "INPUT") {
      for (const twin of form.querySelectorAll(`input[data-term="${changed.dataset.term}"]`)) {
        if (twin !== changed) twin.value = changed.value;
      }
    }
    const values = model.terms.map((term, place) => Number.parseFloat(form.querySelector(
      `select[data-term="${place}"], input[type=number][data-term="${place}"]`).value));
    const empty = model.terms.find((term, place) => Number.isNaN(values[place]));
    const outside = model.terms.filter((term, place) => !term.levels.length
      && (values[place] < term.min || values[place] > term.max)).map((term) => term.label);
    show(nomogram.probabilities(model, values));
    note.textContent = empty ? `Give a number for ${empty.label}.`
      : outside.length ? `Outside what the model was fitted on: ${outside.join(", ")}.` : "";
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
}
