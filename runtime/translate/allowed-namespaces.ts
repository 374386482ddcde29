import { selects, type Labels, type LabelSelector } from './label-selector.ts';

/** `allowedRoutes.namespaces` of a listener: who may attach to it. */
export interface AllowedNamespaces {
  readonly from?: string | undefined;
  readonly selector?: LabelSelector | undefined;
}

/**
 * Whether a namespace may attach to a listener of a Gateway in the namespace `home`. The default is `Same`; a
 * `Selector` without a selector takes none. The API server gives every namespace the label
 * `kubernetes.io/metadata.name`, so it is implied when the Namespace is absent or was written by hand.
 */
export function admits(
  allowed: AllowedNamespaces | undefined,
  home: string,
  namespace: string,
  labels: Labels,
): boolean {
  switch (allowed?.from ?? 'Same') {
    case 'All':
      return true;
    case 'Same':
      return namespace === home;
    case 'Selector':
      return (
        allowed?.selector !== undefined &&
        selects(allowed.selector, { ...labels, 'kubernetes.io/metadata.name': namespace })
      );
    default:
      return false;
  }
}

/** The same in words, for messages. */
export function describeAllowed(allowed: AllowedNamespaces | undefined): string {
  switch (allowed?.from ?? 'Same') {
    case 'All':
      return 'all namespaces';
    case 'Same':
      return "the Gateway's own namespace";
    case 'Selector':
      return 'namespaces with the labels of its selector';
    default:
      return 'no namespace';
  }
}
