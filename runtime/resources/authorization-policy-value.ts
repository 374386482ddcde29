import { parseCidr } from './cidr.ts';
import type { Report } from './schema/report.ts';

// What Istio's webhook demands of single values of an AuthorizationPolicy.

export function validateAddresses(values: readonly string[], at: string, report: Report): void {
  values.forEach((value, index) => {
    if (parseCidr(value) !== undefined) return;
    const expected = 'an address such as 10.1.2.3, or a block such as 10.1.0.0/16';
    error(report, 'PTL1313', `${at}[${index}]`, `"${value}" is not an IP address or CIDR block`, {
      expected,
      came: value,
    });
  });
}

export function validatePorts(values: readonly string[], at: string, report: Report): void {
  values.forEach((value, index) => {
    if (/^[0-9]{1,10}$/.test(value) && Number(value) <= 65_535) return;
    const expected = 'a number from 0 to 65535';
    error(report, 'PTL1314', `${at}[${index}]`, `"${value}" is not a port`, { expected, came: value });
  });
}

/** Only the first or the last character is a wildcard; elsewhere a star is a star, which is seldom meant. */
export function validateStars(values: readonly string[], at: string, report: Report): void {
  values.forEach((value, index) => {
    const literal = value.endsWith('*') ? value.slice(0, -1) : value.replace(/^\*/, '');
    if (!literal.includes('*')) return;
    report.add(
      {
        code: 'PTL1316',
        level: 'warning',
        message: `"${value}" has a "*" that is not a wildcard`,
        expected: '"*" as the first or the last character, not both',
        came: value,
        effect: 'it matches a literal "*" only',
      },
      `${at}[${index}]`,
    );
  });
}

/** `account` or `namespace/account`, without wildcards. */
export function validateServiceAccounts(values: readonly string[], at: string, report: Report): void {
  values.forEach((value, index) => {
    if (/^(?:[^/*]+\/)?[^/*]+$/.test(value)) return;
    const message = value.includes('*')
      ? `service account "${value}": wildcards are not supported`
      : `"${value}" is not a service account`;
    error(report, 'PTL1319', `${at}[${index}]`, message, {
      expected: 'account, or namespace/account',
      came: value,
    });
  });
}

/** Adds an error at a field below the present place. */
export function error(
  report: Report,
  code: string,
  at: string,
  message: string,
  more: { readonly expected?: string; readonly came?: string; readonly next?: string } = {},
): void {
  report.add({ code, level: 'error', message, ...more }, at);
}
