// Spellings of a duration, for `string({format})`. The text is kept as written; translation computes with it.

/** GEP-2257: `1h30m`, `500ms`; at most four parts of at most five digits. */
export const gatewayDuration: readonly [string, (text: string) => boolean] = [
  'a duration such as 500ms, 10s or 1h30m',
  (text) => /^(?:[0-9]{1,5}(?:h|ms|m|s)){1,4}$/.test(text),
];

/** google.protobuf.Duration as Istio's API server takes it (Go's ParseDuration): `1.5s`, `100ms`. Never negative. */
export const istioDuration: readonly [string, (text: string) => boolean] = [
  'a duration such as 500ms, 1.5s or 1h30m',
  (text) => text === '0' || (text.length <= 64 && /^(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)),
];
