import type { Pod } from '#resources/pod.ts';
import { label } from './label-selector.ts';

/**
 * The name of what a pod is a replica of, as Istio derives it: a label that says so, else the controller's name, which
 * leads to a Deployment, Rollout, DeploymentConfig or CronJob by the form of its name. Pods whose name was not
 * generated (static ones, and those that an operator makes one by one) are named by themselves. A file written by hand
 * has no owners: there the form of the pod's own name decides.
 */
export function workloadName(pod: Pod): string {
  const { name, labels, generateName = '', ownerReferences } = pod.metadata;
  const given = label(labels, 'service.istio.io/workload-name');
  if (given !== undefined) return given;
  if (ownerReferences === undefined) return withoutReplica(pod);
  const controller = generateName === '' ? undefined : ownerReferences.find((owner) => owner.controller === true);
  return (controller && nameOfOwner(controller, pod)) || name;
}

type Owner = NonNullable<Pod['metadata']['ownerReferences']>[number];

function nameOfOwner({ kind, name }: Owner, { metadata: { labels } }: Pod): string {
  switch (kind) {
    case 'ReplicaSet': {
      const hashes = ['pod-template-hash', 'rollouts-pod-template-hash'].map((key) => label(labels, key));
      const hash = hashes.find((one) => one !== undefined && one !== '' && name.endsWith(`-${one}`));
      return hash === undefined ? name : name.slice(0, -hash.length - 1);
    }
    case 'ReplicationController':
      return label(labels, 'deploymentconfig') || name;
    case 'Job':
      return cronJob.exec(name)?.[1] ?? name;
    default:
      return name;
  }
}

/** A Job of a CronJob is named by its time, in minutes or seconds. */
const cronJob = /^(.+)-\d{8,10}$/;

/** What Kubernetes appends to the name of a Deployment: the hash of the template, and five of its safe letters. */
const replicaSuffix = /-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/;

function withoutReplica({ metadata: { name, labels } }: Pod): string {
  const hash = label(labels, 'pod-template-hash');
  const at = hash === undefined ? -1 : name.lastIndexOf(`-${hash}-`);
  return at > 0 ? name.slice(0, at) : name.replace(replicaSuffix, '');
}
