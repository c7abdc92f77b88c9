"use strict";
// The models behind the nomograms, worked out in this page.
const nomogram = {
  // Columns of Harrell's restricted cubic spline, the value itself first.
  spline(value, knots) {
    const cube = (knot) => Math.max(value - knot, 0) ** 3;
    const [before, last] = knots.slice(-2);
    const inner = knots.slice(0, -2).map((knot) => {
      const back = cube(before) * (last - knot) - cube(last) * (before - knot);
      return (cube(knot) - back / (last - before)) / (last - knots[0]) ** 2;
    });
    return [value, ...inner];
  },

  // What a variable adds to the linear predictor; the value of a level is that already.
  effect(term, value) {
    if (term.levels.length) return value;
    const columns = term.knots.length ? nomogram.spline(value, term.knots) : [value];
    return columns.reduce((sum, column, place) => sum + column * term.coefficients[place], 0);
  },

  // Probabilities: one of a logistic model, survival at each horizon of a Cox model.
  probabilities(model, values) {
    const score = model.terms.reduce(
      (sum, term, place) => sum + nomogram.effect(term, values[place]), model.intercept);
    if (model.link === "logistic") return [1 / (1 + Math.exp(-score))];
    return model.baseline.map((horizon) => horizon.survival ** Math.exp(score));
  },
};
