// Weight forms: what inference derives from a weight (another dtype, a packed layout), computed once for each session.
import { addon } from "./addon.ts";
import { isKept, keep, type TorchTensor, tidy } from "./tensor.ts";

/** The derived forms of a session's weights. */
export interface WeightForms {
  /** The form `name` of a weight, from `make` at the first call. For a tensor that this run has computed it is made anew each time. */
  of(weight: TorchTensor, name: string, make: () => TorchTensor): TorchTensor;
  /** Frees every form. */
  dispose(): void;
}

export function weightForms(): WeightForms {
  const forms = new WeakMap<TorchTensor, Map<string, TorchTensor>>();
  const held: TorchTensor[] = [];
  return {
    of(weight, name, make) {
      if (!isKept(weight)) return make();
      const ofWeight = forms.get(weight) ?? new Map<string, TorchTensor>();
      forms.set(weight, ofWeight);
      let form = ofWeight.get(name);
      if (!form) {
        form = keep(tidy(make));
        ofWeight.set(name, form);
        held.push(form);
      }
      return form;
    },
    dispose: () => addon().dispose(held.splice(0).map((tensor) => tensor.handle)),
  };
}
