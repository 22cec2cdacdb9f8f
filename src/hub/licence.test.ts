// Licences: what is told when a model loads, and what commercial use refuses.
import { expect, test } from "vitest";
import { LicenceError, licenceNotice, requireCommercial } from "./licence.ts";

test("the notice names the model, its licence, and what it forbids", () => {
  expect(licenceNotice("a/b", { name: "mit", nonCommercial: false })).toBe("The weights of a/b are licensed under mit.");
  expect(licenceNotice("a/b", { name: "CC BY-NC 4.0", nonCommercial: true })).toContain("CC BY-NC 4.0, which forbids commercial use.");
  for (const licence of [undefined, { name: "other", nonCommercial: false }])
    expect(licenceNotice("a/b", licence)).toContain("is unknown: no model card beside them states it.");
});

test("commercial use refuses licences that forbid it and licences that are not stated", () => {
  expect(() => requireCommercial("a/b", { name: "apache-2.0", nonCommercial: false })).not.toThrow();
  for (const licence of [{ name: "cc-by-nc-4.0", nonCommercial: true }, { name: "unknown", nonCommercial: false }, undefined])
    expect(() => requireCommercial("a/b", licence)).toThrow(LicenceError);
});
