import type { KindDefinition } from './kind.ts';
import { portName, portNumber, protocol } from './port.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const container = s.object(
  {
    name: s.string(),
    ports: s.list(
      s.object(
        { name: s.optional(portName), containerPort: s.required(portNumber), protocol: s.withDefault(protocol, 'TCP') },
        { open: true },
      ),
    ),
    restartPolicy: s.string(),
  },
  { open: true },
);

const spec = s.object(
  {
    serviceAccountName: s.string(),
    hostNetwork: s.boolean(),
    nodeName: s.string(),
    containers: s.list(container),
    /** Those with restartPolicy Always are sidecars, whose ports count too. */
    initContainers: s.list(container),
    serviceAccount: s.ignored(),
    // Near misses of the above that are fields themselves.
    nodeSelector: s.ignored(),
    ephemeralContainers: s.ignored(),
    hostname: s.ignored(),
  },
  { open: true },
);

const status = s.object(
  {
    phase: s.enumeration('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    podIP: s.string(),
    podIPs: s.list(s.object({ ip: s.withDefault(s.string(), '') }, { open: true })),
    conditions: s.list(s.object({ type: s.required(s.string()), status: s.required(s.string()) }, { open: true })),
    hostIP: s.ignored(),
    hostIPs: s.ignored(),
  },
  { open: true },
);

export type PodStatus = s.Infer<typeof status>;

/** The status is part of what we read, because a pod's address is there. */
export interface Pod extends Resource<'Pod', s.Infer<typeof spec>> {
  readonly status: PodStatus;
}

const noStatus: PodStatus = { podIPs: [], conditions: [] };

export const pod = {
  kind: 'Pod',
  group: '',
  versions: ['v1'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(spec), status: s.withDefault(status, noStatus) }),
} satisfies KindDefinition<'Pod'>;
