import type { AuthzProvider } from '#model/authz-provider.ts';
import type { ExtensionProvider } from '#model/extension-provider.ts';
import type { Finding } from '#model/finding.ts';
import { MESH_CONFIG } from '#resources/config-map.ts';
import { type BackendUse, useProvider } from './backend.ts';
import { ListMemo, Slot, step } from './memo.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { TranslateOptions } from './options.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { Services } from './services.ts';

/** The external authorizers of the mesh configuration, with the way to each. */
export interface AuthzProviders {
  /** Those that can be asked, in the order of the mesh configuration. */
  readonly all: readonly AuthzProvider[];
  /** The backends by which services of the mesh among them are reached. */
  readonly uses: readonly BackendUse[];
  readonly findings: readonly Finding[];
  /** Why a provider cannot be asked; undefined: it can. */
  refusal(name: string): string | undefined;
}

/** Makes the step that finds the services of authorizers. The same as long as they are found in the same places. */
export function createAuthzProviders(
  options: TranslateOptions,
): (mesh: MeshConfig, services: Services) => AuthzProviders {
  const slot = new Slot<AuthzProviders>();
  const uses = new ListMemo();
  return step(({ extensionProviders }, services) => {
    const found = extensionProviders.map((settings) => resolve(settings, services, options.clusterDomain));
    const inputs = found.flatMap((one) => (typeof one === 'string' ? [one] : [one.host, one.service, one.port]));
    return slot.get([extensionProviders, ...inputs], () => {
      const byName = new Map<string, AuthzProvider | string>();
      const used: BackendUse[] = [];
      for (const [index, settings] of extensionProviders.entries()) {
        const one = found[index]!;
        if (byName.has(settings.name)) continue;
        if (typeof one === 'string') {
          byName.set(settings.name, one);
          continue;
        }
        const { host, service, port } = one;
        const use = service && port && useProvider(service, port, settings.kind);
        if (use !== undefined) used.push(use);
        byName.set(settings.name, { settings, host, backend: use?.name });
      }
      return {
        all: [...byName.values()].filter((one) => typeof one !== 'string'),
        uses: uses.keep('', used),
        findings: found.flatMap((one, index) => (typeof one === 'string' ? [unusable(one, index, options)] : [])),
        refusal: (name) => {
          const one = byName.get(name);
          if (typeof one === 'string') return one;
          return one === undefined ? `the mesh configuration has no provider "${name}"` : undefined;
        },
      };
    });
  });
}

function unusable(message: string, index: number, { rootNamespace }: TranslateOptions): Finding {
  return {
    code: 'PTL1605',
    level: 'warning',
    resource: { kind: 'ConfigMap', namespace: rootNamespace, name: MESH_CONFIG },
    path: `data.mesh.extensionProviders[${index}]`,
    message,
    effect: 'nobody can be asked by this name: a CUSTOM policy that names it denies what its rules match',
    next: 'correct the provider, or create its Service',
  };
}

interface Found {
  readonly host: string;
  /** Undefined: the host is no service of the mesh. */
  readonly service?: KnownService;
  readonly port?: KnownPort;
}

/** A text says why it cannot be asked. Envoy would refuse some settings, and with them every listener. */
function resolve(settings: ExtensionProvider, services: Services, clusterDomain: string): Found | string {
  const { name, service: text, port } = settings;
  if (!/^[\x20-\x7e]{1,253}$/.test(name)) return `the name of provider ${JSON.stringify(name)} is not plain text`;
  for (const [header, value] of settings.includeAdditionalHeadersInCheck) {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(header)) return `provider "${name}" adds a header that is none: "${header}"`;
    if (!/^[\t\x20-\x7e]*$/.test(value)) return `provider "${name}" adds header "${header}" with a value that is none`;
  }
  const slash = text.indexOf('/');
  const scope = slash === -1 ? undefined : text.slice(0, slash);
  const host = text.slice(slash + 1).toLowerCase();
  const suffix = `.svc.${clusterDomain}`;
  if (!host.endsWith(suffix)) return { host };
  const [label = '', namespace = '', ...more] = host.slice(0, -suffix.length).split('.');
  const service = more.length > 0 ? undefined : services.get(namespace, label);
  if (service === undefined || (scope !== undefined && scope !== namespace)) {
    return `Service ${text} of provider "${name}" does not exist`;
  }
  const known = service.ports.find((each) => each.port === port);
  if (known === undefined) return `Service ${text} of provider "${name}" has no TCP port ${port}`;
  return { host, service, port: known };
}
