export type Labels = Readonly<Record<string, string>>;

/** A LabelSelector of the Kubernetes API. */
export interface LabelSelector {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[]
    | undefined;
}

/** The value of a label; keys of the prototype (`constructor`) are not labels. */
export function label(labels: Labels, key: string): string | undefined {
  // Most labels that are asked for are absent, which takes one look.
  const value: string | undefined = labels[key];
  return value !== undefined && Object.hasOwn(labels, key) ? value : undefined;
}

/** Every key of `wanted` with the same value in `labels`. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  for (const key in wanted) if (label(labels, key) !== wanted[key]) return false;
  return true;
}

/** As the API server selects: an empty selector takes everything; an operator that is not known takes nothing. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  return (
    hasLabels(labels, selector.matchLabels ?? {}) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = label(labels, key);
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return false;
      }
    })
  );
}
