import { labelValue, qualifiedName } from './dns-name.ts';
import * as s from './schema.ts';

const expression = s.object({
  key: s.required(s.string({ format: qualifiedName })),
  operator: s.required(s.enumeration('In', 'NotIn', 'Exists', 'DoesNotExist')),
  values: s.list(s.string({ format: labelValue })),
});

/** metav1.LabelSelector: labels and expressions must all hold; an empty selector selects everything. */
export const labelSelector = s.object({
  matchLabels: s.map(s.string({ format: labelValue }), { key: qualifiedName }),
  matchExpressions: s.list(s.check(expression, valuesOfOperator)),
});

function valuesOfOperator({ operator, values }: s.Infer<typeof expression>, report: s.Report): void {
  const needed = operator === 'In' || operator === 'NotIn';
  if (needed === values.length > 0) return;
  const message = needed ? `operator ${operator} needs values` : `operator ${operator} takes no values`;
  report.add({ code: 'PTL1106', level: 'error', message }, 'values');
}
