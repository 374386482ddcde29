import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './dns-name.ts';
import type { ObjectMeta } from './resource.ts';
import type { Report } from './schema/report.ts';
import * as s from './schema.ts';

/** What `metadata.name` of a kind may be; Istio and the Gateway API take any DNS name, core kinds are stricter. */
export type NameFormat = 'label' | 'subdomain';

/** Who it belongs to; a cluster writes more about it than matters here. */
const owner = s.object(
  { kind: s.required(s.string()), name: s.required(s.string()), controller: s.boolean() },
  { open: true },
);

const others = {
  labels: s.map(s.string({ format: labelValue }), { key: qualifiedName }),
  annotations: s.map(s.string()),
  creationTimestamp: s.withDefault(s.string(), ''),
  generateName: s.string(),
  deletionGracePeriodSeconds: s.ignored(),
  deletionTimestamp: s.string(),
  finalizers: s.ignored(),
  generation: s.ignored(),
  managedFields: s.ignored(),
  ownerReferences: s.optional(s.list(owner)),
  resourceVersion: s.ignored(),
  selfLink: s.ignored(),
  uid: s.ignored(),
  clusterName: s.ignored(),
};

const schemas = {
  label: metadataSchema(dnsLabel),
  subdomain: metadataSchema(dnsSubdomain),
};

function metadataSchema(name: typeof dnsLabel) {
  const namespace = s.withDefault(s.string({ format: dnsLabel }), '');
  return s.object({ name: s.required(s.string({ format: name })), namespace, ...others });
}

/**
 * Reads `metadata`. A namespaced resource without a namespace is in `default`; a namespace on a kind that has none is
 * dropped with a warning.
 */
export function readMetadata(
  value: unknown,
  format: NameFormat,
  namespaced: boolean,
  report: Report,
): ObjectMeta | undefined {
  report.enter('metadata');
  const metadata = schemas[format].read(value, report);
  report.leave();
  if (metadata === undefined) return undefined;
  if (namespaced) return metadata.namespace === '' ? { ...metadata, namespace: 'default' } : metadata;
  if (metadata.namespace === '') return metadata;
  const message = 'resources of this kind have no namespace';
  report.add({ code: 'PTL1109', level: 'warning', message, next: 'remove metadata.namespace' }, 'metadata.namespace');
  return { ...metadata, namespace: '' };
}
