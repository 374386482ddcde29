import { expect, it } from 'vitest';
import type { Pod } from '#resources/pod.ts';
import { workloadName } from './workload-name.ts';

type Written = Partial<Pod['metadata']> & { readonly name: string };

function pod({ labels = {}, ...metadata }: Written): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'app', labels, annotations: {}, creationTimestamp: '', ...metadata },
    spec: { containers: [], initContainers: [] },
    status: { podIPs: [], conditions: [] },
  };
}

const owned = (kind: string, name: string, labels: Readonly<Record<string, string>> = {}): Written => ({
  name: `${name}-x2x4z`,
  generateName: `${name}-`,
  labels,
  ownerReferences: [
    { kind: 'Operator', name: 'somebody' },
    { kind, name, controller: true },
  ],
});

it.each<[string, Written, string]>([
  ['a Deployment', owned('ReplicaSet', 'web-7d9f8c6b5', { 'pod-template-hash': '7d9f8c6b5' }), 'web'],
  ['a Rollout', owned('ReplicaSet', 'web-6b5', { 'rollouts-pod-template-hash': '6b5' }), 'web'],
  ['a ReplicaSet of nobody', owned('ReplicaSet', 'web-7d9f8c6b5'), 'web-7d9f8c6b5'],
  ['a ReplicaSet with the hash of another', owned('ReplicaSet', 'web-1', { 'pod-template-hash': '2' }), 'web-1'],
  ['a DeploymentConfig', owned('ReplicationController', 'web-3', { deploymentconfig: 'web' }), 'web'],
  ['a CronJob', owned('Job', 'backup-29384756'), 'backup'],
  ['a Job', owned('Job', 'backup-2'), 'backup-2'],
  ['a StatefulSet', { ...owned('StatefulSet', 'db'), name: 'db-0' }, 'db'],
  ['a label', owned('DaemonSet', 'agent', { 'service.istio.io/workload-name': 'named' }), 'named'],
  [
    'a static pod',
    { name: 'proxy-node-1', ownerReferences: [{ kind: 'Node', name: 'node-1', controller: true }] },
    'proxy-node-1',
  ],
  ['an owner that does not control it', { ...owned('X', 'x'), ownerReferences: [{ kind: 'X', name: 'x' }] }, 'x-x2x4z'],
  ['a hand, with a hash', { name: 'web-abc-1', labels: { 'pod-template-hash': 'abc' } }, 'web'],
  ['a hand, as a Deployment names it', { name: 'web-7d9f8c6b5-x2x4z' }, 'web'],
  ['a hand', { name: 'web-0' }, 'web-0'],
])('a pod of %s', (_, written, name) => expect(workloadName(pod(written))).toBe(name));
