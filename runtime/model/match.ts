/** How a text is compared. `present` is true for any value that is not empty. `template` is a URI template of Istio. */
export type StringMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'suffix'; readonly value: string }
  | { readonly kind: 'present' }
  | { readonly kind: 'regex'; readonly value: string }
  | { readonly kind: 'template'; readonly value: string };

/** `address/length`; a single address has the full length. */
export interface Cidr {
  readonly address: string;
  readonly length: number;
}
