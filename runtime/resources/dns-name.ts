// Name formats of Kubernetes (RFC 1123 as apimachinery reads it) and of the Gateway API, each as a pair that
// `string({format})` takes: what a message calls it, and its test. All patterns run in linear time.

type Format = readonly [name: string, test: (text: string) => boolean];

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const label = new RegExp(`^${LABEL}$`);
const subdomain = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const hostname = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);
const qualified = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/** `reviews-v1`: names of namespaces and services. */
export const dnsLabel: Format = [
  'a DNS label (a-z, 0-9 and "-", at most 63 characters)',
  (text) => text.length <= 63 && label.test(text),
];

/** `reviews.v1`: names of most resources. */
export const dnsSubdomain: Format = [
  'a DNS name (a-z, 0-9, "-" and ".", at most 253 characters)',
  (text) => text.length <= 253 && subdomain.test(text),
];

/** `example.com` or `*.example.com`, never an IP address: Hostname of the Gateway API. */
export const wildcardHostname: Format = [
  'a host name such as example.com or *.example.com',
  (text) => text.length <= 253 && hostname.test(text) && !isDottedNumber(text),
];

/** `example.com`: PreciseHostname of the Gateway API. */
export const preciseHostname: Format = [
  'a host name such as example.com',
  (text) => text.length <= 253 && subdomain.test(text) && !isDottedNumber(text),
];

/** `app.kubernetes.io/name`: keys of labels and annotations. */
export const qualifiedName: Format = [
  'a key such as app or example.com/app',
  (text) => {
    const slash = text.indexOf('/');
    const name = text.slice(slash + 1);
    if (slash === 0 || (slash > 0 && !dnsSubdomain[1](text.slice(0, slash)))) return false;
    return name.length <= 63 && qualified.test(name);
  },
];

/** Values of labels: like a name, or empty. */
export const labelValue: Format = [
  'the value of a label (letters, digits, "-", "_" and ".", at most 63 characters)',
  (text) => text === '' || (text.length <= 63 && qualified.test(text)),
];

/** The name of an HTTP header: a token of RFC 9110. */
export const headerName: Format = [
  'the name of an HTTP header',
  (text) => text.length <= 256 && /^[A-Za-z0-9!#$%&'*+\-.^_|~`]+$/.test(text),
];

function isDottedNumber(text: string): boolean {
  return /^[0-9]+(?:\.[0-9]+){3}$/.test(text);
}
