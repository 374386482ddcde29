import type { Command, Flags } from '../command.ts';
import { files, json, namespace } from './flags.ts';

const flags = {
  file: files,
  namespace,
  waypoint: { type: 'string', value: 'NS/NAME', about: 'for what is enrolled to this waypoint only' },
  'trust-domain': { type: 'string', value: 'DOMAIN', default: 'cluster.local', about: 'trust domain of the mesh' },
  json,
} as const satisfies Flags;

export const ztunnelPolicy: Command<typeof flags> = {
  name: 'ztunnel-policy',
  group: 'Waypoint',
  about: 'Prints policies by which ztunnel lets only the waypoint in to the pods of enrolled services.',
  usage: ['ztunnel-policy -f PATH… [-n NAMESPACE] [--waypoint NS/NAME]'],
  examples: [
    ['portolan ztunnel-policy -f mesh/', 'for every waypoint in the files, as YAML'],
    ['portolan ztunnel-policy -f mesh/ -n app | kubectl apply -f -', 'into a cluster'],
    ['kubectl get ns,svc,pod,gateway -A -o yaml | portolan ztunnel-policy -f -', 'from what a cluster holds'],
  ],
  notes: [
    'Without them whoever calls a pod by its own address goes past the waypoint and its policies.',
    'What they close besides is said on standard error: a pod can serve more than the enrolled services.',
  ],
  flags,
  exits: [
    [0, 'printed; what to look out for, if anything, is on standard error'],
    [65, 'a path cannot be read'],
  ],
  see: ['check', 'explain'],
  load: () => import('../ztunnel-policy.ts'),
};
