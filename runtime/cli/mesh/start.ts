import { resolve } from 'node:path';
import { stateFolder } from '#admin/state-folder.ts';
import { DEFAULTS } from '#envoy/options.ts';
import type { CredentialFiles } from '#identity/files.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import { findEnvoy, type EnvoyBinary } from '#proxy/find.ts';
import { GuidedError } from '#proxy/guidance.ts';
import { progressOn } from '#proxy/progress.ts';
import type { BindAddress } from '#proxy/prometheus.ts';
import { systemRoots } from '#proxy/system-roots.ts';
import type { Values } from '../command.ts';
import type { run as command } from '../commands/run.ts';
import { EXIT } from '../exit.ts';
import { Failure, usage } from '../failure.ts';
import { pathNormalizationOf } from '../path-normalization.ts';
import type { Terminal } from '../terminal.ts';
import { waypointName } from '../world.ts';
import { startMesh, type Mesh } from './mesh.ts';
import { callerMatches } from './debug-group.ts';
import type { MeshOptions } from './options.ts';
import { createReporter } from './reporter.ts';

export type RunValues = Values<(typeof command)['flags']>;

const PAGE: BindAddress = { address: '127.0.0.1', port: 15020 };

/** The options of a mesh from the flags. */
export async function meshOptions(values: RunValues, terminal: Terminal): Promise<MeshOptions> {
  const credentials = credentialFiles(values);
  return {
    paths: values.file,
    ...(values.file.includes('-') ? { stdin: await terminal.readInput() } : {}),
    state: resolve(values.state ?? stateFolder(terminal.environment)),
    ...(values.waypoint === undefined ? {} : { waypoint: waypointName(values.waypoint) }),
    bind: values.bind === undefined ? DEFAULTS.bind : bindAddress(values.bind, DEFAULTS.bind),
    page: values.page === undefined ? PAGE : bindAddress(values.page, PAGE),
    trustDomain: values['trust-domain'] ?? 'cluster.local',
    layeredAuthorization: values['layered-authorization'],
    ...(credentials ? { credentials } : {}),
    envoy: values['no-envoy'] ? undefined : await envoyBinary(terminal),
    ...(values.concurrency === undefined ? {} : { concurrency: positive('--concurrency', values.concurrency) }),
    ...(values['access-log'] === undefined ? {} : { accessLog: resolve(values['access-log']) }),
    ...normalization(values['path-normalization']),
    // An Envoy that is started elsewhere has another disk.
    systemRoots: values['no-envoy'] ? DEFAULTS.systemRoots : systemRoots(terminal.environment),
    ...(values['explain-to'].length === 0
      ? {}
      : { explainTo: callerMatches(values['explain-to'], values['trust-domain'] ?? 'cluster.local') }),
    repeatedHeaders: values['repeated-headers'] === 'refuse' ? 'refuse' : 'judge',
    statistics: values.stats === 'service' ? 'service' : 'proxy',
    report: createReporter(terminal),
  };
}

/** Envoy found or fetched, with the progress on standard error. */
async function envoyBinary(terminal: Terminal): Promise<EnvoyBinary> {
  try {
    return await findEnvoy({
      env: terminal.environment,
      ...(terminal.quiet ? {} : { progress: progressOn(process.stderr) }),
    });
  } catch (error) {
    throw guided(error);
  }
}

export async function startOrFail(options: MeshOptions): Promise<Mesh> {
  try {
    return await startMesh(options);
  } catch (error) {
    throw guided(error);
  }
}

/** What a user can do something about is a failure; anything else is our bug and keeps its stack. */
export function guided(error: unknown): unknown {
  if (!(error instanceof GuidedError)) return error;
  const { message, expected, came, next } = error;
  return new Failure(EXIT.failed, message.split('\n')[0] ?? message, { expected, came, next });
}

function credentialFiles({ cert, key, root }: RunValues): CredentialFiles | undefined {
  if (cert === undefined && key === undefined && root === undefined) return undefined;
  if (cert === undefined || key === undefined || root === undefined) {
    throw usage('--cert, --key and --root belong together', {
      expected: 'all three, or none for the development CA',
      came: [cert && '--cert', key && '--key', root && '--root'].filter(Boolean).join(' and '),
    });
  }
  return { certificate: resolve(cert), key: resolve(key), roots: resolve(root) };
}

/** `host`, `host:port`, `:port` or `[v6]:port`. */
function bindAddress(text: string, standard: BindAddress): BindAddress {
  const [, v6, host, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = port === undefined ? standard.port : Number(port);
  if ((v6 ?? host) === undefined || number > 65_535) {
    throw usage(`"${text}" is not an address to bind`, { expected: 'host, host:port or :port', came: text });
  }
  return { address: v6 ?? (host === '' || host === undefined ? standard.address : host), port: number };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 1024) return value;
  throw usage(`${flag} takes a whole number from 1 to 1024`, { came: text });
}

function normalization(text: string | undefined): { readonly pathNormalization?: PathNormalization } {
  const pathNormalization = pathNormalizationOf(text);
  return pathNormalization === undefined ? {} : { pathNormalization };
}
