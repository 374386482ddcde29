import { isText, sameBytes, text } from '../sdk/text.ts';

// Who calls, from what ztunnel says about the pod in the `baggage` header of its CONNECT, and from the identity that
// the caller proved:
//
//   k8s.cluster.name=Kubernetes,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,service.name=productpage,service.version=v1
//   spiffe://cluster.local/ns/bookinfo/sa/bookinfo-productpage
//
// The identity is proof, the baggage is a claim: one of another namespace than the identity's is not believed.

const CLUSTER = text('k8s.cluster.name');
const NAMESPACE = text('k8s.namespace.name');
const APP = text('service.name');
const VERSION = text('service.version');
/** The kind of workload is part of the key. Not among them is k8s.instance.name, which names a single pod. */
const DEPLOYMENT = text('k8s.deployment.name');
const STATEFUL_SET = text('k8s.statefulset.name');
const DAEMON_SET = text('k8s.daemonset.name');
const JOB = text('k8s.job.name');
const CRON_JOB = text('k8s.cronjob.name');
const POD = text('k8s.pod.name');
const WORKLOAD = text('k8s.workload.name');

/** `/ns/`, read as one number. */
const NS_WORD: u32 = 0x2f736e2f;
const NS_SIZE: u32 = 4;
const COMMA: u8 = 0x2c;
const SEMICOLON: u8 = 0x3b;
const EQUALS: u8 = 0x3d;
const SLASH: u8 = 0x2f;
const SPACE: u8 = 0x20;

export let workload: usize = 0;
export let workloadSize: u32 = 0;
export let app: usize = 0;
export let appSize: u32 = 0;
export let version: usize = 0;
export let versionSize: u32 = 0;
export let namespace: usize = 0;
export let namespaceSize: u32 = 0;
export let cluster: usize = 0;
export let clusterSize: u32 = 0;

function forget(): void {
  workloadSize = 0;
  appSize = 0;
  versionSize = 0;
  namespaceSize = 0;
  clusterSize = 0;
}

/** Finds the parts of a caller in its baggage and principal; what is not known has size 0. Nothing is copied. */
export function readSource(baggage: usize, baggageSize: u32, principal: usize, principalSize: u32): void {
  forget();
  const end = baggage + baggageSize;
  for (let begin = baggage; begin < end;) {
    let stop = begin;
    while (stop < end && load<u8>(stop) != COMMA) stop++;
    readMember(begin, stop);
    begin = stop + 1;
  }
  const claimed = namespace;
  const claimedSize = namespaceSize;
  if (!readNamespace(principal, principalSize)) return;
  const proven = namespace;
  const provenSize = namespaceSize;
  if (claimedSize > 0 && sameBytes(claimed, claimedSize, proven, provenSize)) return;
  forget();
  namespace = proven;
  namespaceSize = provenSize;
}

/** The namespace of a SPIFFE id as Istio writes it. False: the principal is no such id. */
function readNamespace(principal: usize, size: u32): bool {
  if (size < NS_SIZE) return false;
  const last = principal + size - NS_SIZE;
  for (let at = principal; at <= last; at++) {
    if (load<u32>(at) != NS_WORD) continue;
    const begin = at + NS_SIZE;
    let stop = begin;
    while (stop < principal + size && load<u8>(stop) != SLASH) stop++;
    if (stop == begin) return false;
    namespace = begin;
    namespaceSize = <u32>(stop - begin);
    return true;
  }
  return false;
}

/** One `key=value` with blanks around it and properties after a semicolon (W3C Baggage). */
function readMember(begin: usize, stop: usize): void {
  while (begin < stop && load<u8>(begin) == SPACE) begin++;
  let middle = begin;
  while (middle < stop && load<u8>(middle) != EQUALS) middle++;
  if (middle == stop) return;
  const value = middle + 1;
  let end = value;
  while (end < stop && load<u8>(end) != SEMICOLON) end++;
  while (end > value && load<u8>(end - 1) == SPACE) end--;
  keep(begin, <u32>(middle - begin), value, <u32>(end - value));
}

function keep(key: usize, keySize: u32, value: usize, size: u32): void {
  if (isText(key, keySize, NAMESPACE)) {
    namespace = value;
    namespaceSize = size;
  } else if (isText(key, keySize, CLUSTER)) {
    cluster = value;
    clusterSize = size;
  } else if (isText(key, keySize, APP)) {
    app = value;
    appSize = size;
  } else if (isText(key, keySize, VERSION)) {
    version = value;
    versionSize = size;
  } else if (isWorkload(key, keySize)) {
    workload = value;
    workloadSize = size;
  }
}

function isWorkload(key: usize, size: u32): bool {
  return (
    isText(key, size, DEPLOYMENT) ||
    isText(key, size, STATEFUL_SET) ||
    isText(key, size, DAEMON_SET) ||
    isText(key, size, JOB) ||
    isText(key, size, CRON_JOB) ||
    isText(key, size, POD) ||
    isText(key, size, WORKLOAD)
  );
}
