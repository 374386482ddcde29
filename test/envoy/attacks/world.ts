import type { MeshOptions } from '#cli/mesh/options.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from '../mesh/manifests.ts';
import { startTestMesh, type TestMesh } from '../mesh/mesh.ts';
import { createBackend, type Backend } from './backend.ts';

/** A policy of a target: its action and its rules, as YAML. */
export type PolicyText = readonly [action: 'ALLOW' | 'DENY', rules: string];

/** A service of its own for every set of policies that is attacked; all lead to one recording application. */
export interface Target {
  readonly policies?: readonly PolicyText[];
  readonly port?: number;
  /** From which Istio reads the protocol; `http` unless said otherwise. */
  readonly portName?: string;
}

export interface AttackWorld<Name extends string> {
  readonly mesh: TestMesh;
  readonly backend: Backend;
  /** Authority of each target: `10.96.40.10:80`. */
  readonly at: Readonly<Record<Name, string>>;
  stop(): Promise<void>;
}

/** `net` makes addresses of its own for a file: 10.96.<net>.x for services, 127.0.<net>.1 for the application. */
export async function startAttackWorld<Name extends string>(
  net: number,
  targets: Readonly<Record<Name, Target>>,
  overrides: Partial<MeshOptions> = {},
  more: readonly string[] = [],
): Promise<AttackWorld<Name>> {
  const backend = createBackend();
  const entries = Object.entries<Target>(targets);
  const nameOf = (key: string): string => key.toLowerCase();
  const at = Object.fromEntries(
    entries.map(([name, { port = 80 }], index) => [name, `10.96.${net}.${10 + index}:${port}`]),
  ) as Record<Name, string>;
  const texts = entries.flatMap(([name, { policies = [], port = 80, portName = 'http' }], index) => [
    service({ name: nameOf(name), ip: `10.96.${net}.${10 + index}`, port, portName }).replace(
      `app: ${nameOf(name)}`,
      'app: backend',
    ),
    ...policies.map(([action, rules], number) => policy(`${nameOf(name)}-${number}`, nameOf(name), action, rules)),
  ]);
  const base = documents(
    NAMESPACE,
    gateway(),
    pod({ name: 'backend', app: 'backend', ip: `127.0.${net}.1` }),
    ...texts,
    ...more,
  );
  const mesh = await startTestMesh({ 'mesh.yaml': base }, overrides, { backend: { application: backend.server } });
  return { mesh, backend, at, stop: () => mesh.stop() };
}
