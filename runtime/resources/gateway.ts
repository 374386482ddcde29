import { dnsSubdomain, wildcardHostname } from './dns-name.ts';
import type { KindDefinition } from './kind.ts';
import { labelSelector } from './label-selector.ts';
import { portNumber } from './port.ts';
import { localReference, secretReference } from './reference.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const everywhere = s.object({
  from: s.withDefault(s.enumeration('Same', 'All', 'Selector', 'None'), 'Same'),
  selector: labelSelector,
});

const allowedRoutes = s.object({
  namespaces: s.withDefault(s.check(everywhere, selectorGiven), { from: 'Same' }),
  kinds: s.list(
    s.object({ group: s.withDefault(s.string(), 'gateway.networking.k8s.io'), kind: s.required(s.string()) }),
    {
      max: 8,
    },
  ),
});

const tls = s.object({
  mode: s.withDefault(s.enumeration('Terminate', 'Passthrough'), 'Terminate'),
  certificateRefs: s.list(secretReference, { max: 64 }),
  options: s.map(s.string(), { max: 16 }),
  frontendValidation: s.unsupported(s.anything(), 'checking the certificates of clients', {
    level: 'error',
    refuses: true,
  }),
});

const listener = s.object({
  name: s.required(s.string({ format: dnsSubdomain })),
  hostname: s.string({ format: wildcardHostname }),
  port: s.required(portNumber),
  /** `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP`, `HBONE`, or one with a domain such as `istio.io/PROXY`. */
  protocol: s.required(s.string({ min: 1, max: 255 })),
  tls,
  allowedRoutes: s.withDefault(allowedRoutes, { namespaces: { from: 'Same' }, kinds: [] }),
});

const address = s.object({
  type: s.withDefault(s.string({ min: 1, max: 253 }), 'IPAddress'),
  value: s.withDefault(s.string({ max: 253 }), ''),
});

const infrastructure = s.object({
  labels: s.map(s.string()),
  annotations: s.map(s.string()),
  parametersRef: localReference,
});

const spec = s.object({
  gatewayClassName: s.required(s.string({ min: 1, max: 253 })),
  listeners: s.required(s.list(listener, { min: 1, max: 64 })),
  addresses: s.list(address, { max: 16 }),
  infrastructure,
  backendTLS: s.unsupported(s.anything(), 'a client certificate towards backends'),
  tls: s.unsupported(s.anything(), 'spec.tls', { level: 'error', refuses: true }),
  allowedListeners: s.unsupported(s.anything(), 'adding listeners by ListenerSet'),
  defaultScope: s.unsupported(s.anything(), 'being a default Gateway'),
});

export type Gateway = Resource<'Gateway', s.Infer<typeof spec>>;

export const gateway = {
  kind: 'Gateway',
  group: 'gateway.networking.k8s.io',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(s.check(spec, distinctListeners)), status: s.ignored() }),
} satisfies KindDefinition<'Gateway'>;

function selectorGiven({ from, selector }: s.Infer<typeof everywhere>, report: s.Report): void {
  if ((from === 'Selector') === (selector !== undefined)) return;
  if (from !== 'Selector') {
    const message = `selector has no meaning with from: ${from}`;
    report.add(
      { code: 'PTL1106', level: 'warning', message, next: 'set from: Selector, or remove selector' },
      'selector',
    );
  } else {
    const message = 'from: Selector needs a selector';
    report.add({ code: 'PTL1106', level: 'error', message, next: 'add selector.matchLabels' }, 'selector');
  }
}

/** As the CRD's rules: names differ, and no two listeners have the same port, protocol and host name. */
function distinctListeners({ listeners }: s.Infer<typeof spec>, report: s.Report): void {
  const names = new Set<string>();
  const places = new Set<string>();
  listeners.forEach(({ name, port, protocol, hostname = '' }, index) => {
    const place = `${port} ${protocol} ${hostname}`;
    if (names.has(name)) {
      const message = `listener name "${name}" is used twice`;
      report.add({ code: 'PTL1107', level: 'error', message, came: name }, `listeners[${index}].name`);
    } else if (places.has(place)) {
      const message = `listener "${name}" has the port, protocol and hostname of an earlier one`;
      report.add({ code: 'PTL1107', level: 'error', message }, `listeners[${index}]`);
    }
    names.add(name);
    places.add(place);
  });
}
