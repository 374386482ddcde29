import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';
import type { Finding } from '#model/finding.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { dumpSnapshot } from '#envoy/dump.ts';
import { emitWaypoint } from '#envoy/index.ts';
import { DEFAULTS } from '#envoy/options.ts';
import { disassemble as authz } from '#policy/authz/disassemble.ts';
import { disassemble as fault } from '#policy/fault/disassemble.ts';
import { compilePrograms, type Programs } from '#policy/index.ts';
import { disassemble as metrics } from '#policy/metrics/disassemble.ts';
import { disassemble as routing } from '#policy/routing/disassemble.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator } from '#translate/index.ts';
import { present } from './present.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const folder = fileURLToPath(new URL('.', import.meta.url));

/** The name of every case: the folders beside this file. */
export const cases: readonly string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** What a case is made of: `input.yaml`, or the folder of the project that `input.path` names. */
export function inputOf(name: string): ReadonlyMap<string, string> {
  const path = join(folder, name, 'input.path');
  if (!existsSync(path)) return texts(join(folder, name), ['input.yaml']);
  const source = join(root, readFileSync(path, 'utf8').trim());
  return texts(
    source,
    readdirSync(source)
      .filter((file) => file.endsWith('.yaml'))
      .sort(),
  );
}

/** Places are told relative to the input's folder, so that no path of a machine gets into a file. */
const texts = (from: string, files: readonly string[]): ReadonlyMap<string, string> =>
  new Map(files.map((file) => [relative(from, join(from, file)), readFileSync(join(from, file), 'utf8')]));

const options = {
  ...DEFAULTS,
  modules: { authz: 'authz.wasm', routing: 'routing.wasm', fault: 'fault.wasm', metrics: 'metrics.wasm' },
};

/** The generated files of a case, by name. */
export function outputOf(input: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const resources = new ResourceStore().update(input);
  const { model, findings, statuses } = createTranslator()(resources);
  const placed = [...resources.findings, ...findings].map((finding) => ({
    ...finding,
    place: placeOf(resources, finding),
  }));
  const envoy = model.waypoints.map((waypoint) => [
    `${waypoint.namespace}/${waypoint.name}`,
    withoutPrograms(dumpSnapshot(emitWaypoint(waypoint, options))),
  ]);
  return new Map([
    ['model.yaml', present(model)],
    ['status.yaml', present({ findings: placed, statuses })],
    ['envoy.yaml', present(Object.fromEntries(envoy))],
    ['programs.txt', model.waypoints.map((waypoint) => programs(waypoint)).join('')],
  ]);
}

/** Bytes that nobody can review: programs.txt has them as text. */
function withoutPrograms(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrograms);
  if (typeof value !== 'object' || value === null) return value;
  const isProgram = '@type' in value && value['@type'] === 'type.googleapis.com/google.protobuf.BytesValue';
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      isProgram && key === 'value' ? 'see programs.txt' : withoutPrograms(member),
    ]),
  );
}

function placeOf(resources: ResourceSet, finding: Finding): string | undefined {
  const place = resources.placeOf(finding);
  return place === undefined ? undefined : `${place.file}:${place.line}:${place.column}`;
}

const readers: Readonly<Record<keyof Programs, (bytes: Uint8Array) => string>> = {
  authz,
  authzTcp: authz,
  custom: authz,
  routing,
  fault,
  metrics,
};

function programs({ namespace, name, ports }: Waypoint): string {
  const parts = ports.flatMap((port) => {
    const compiled = compilePrograms(port);
    return (Object.keys(readers) as (keyof Programs)[]).flatMap((feature) => {
      const bytes = compiled[feature];
      // Nearly no service puts its requests to somebody else.
      if (bytes === undefined && feature === 'custom') return [];
      const text = bytes === undefined ? 'none' : readers[feature](bytes).trimEnd();
      return `== ${namespace}/${name} ${feature} ${port.service.host}:${port.port}\n${text}\n`;
    });
  });
  return parts.join('\n');
}
