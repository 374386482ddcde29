import type { AdminClient } from '#admin/client.ts';
import type { PlacedFinding, World } from '#admin/api.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import { EXIT } from './exit.ts';
import { Failure, usage } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** A translation of files, with what was read. */
export interface OfflineWorld extends World {
  readonly resources: ResourceSet;
}

/** Reads and translates files once. Throws a `Failure` with exit 65 if a path cannot be read. */
export async function readWorld(
  paths: readonly string[],
  trustDomain: string,
  terminal: Terminal,
): Promise<OfflineWorld> {
  const [{ readFiles, STANDARD_INPUT }, { ResourceStore }, { createTranslator }] = await Promise.all([
    import('#resources/files.ts'),
    import('#resources/store.ts'),
    import('#translate/index.ts'),
  ]);
  const input = paths.includes(STANDARD_INPUT) ? await terminal.readInput() : undefined;
  const { files, unreadable } = readFiles(paths, input);
  for (const path of paths) {
    const reason = unreadable.get(path);
    if (reason === undefined) continue;
    throw new Failure(EXIT.badInput, `${path} cannot be read`, {
      expected: 'a file or folder with resources, or "-"',
      came: reason,
    });
  }
  const resources = new ResourceStore().update(files, unreadable);
  const { model, findings, statuses } = createTranslator({ trustDomain })(resources);
  return { resources, model, statuses, findings: place(resources, [...resources.findings, ...findings]) };
}

/** Adds the places that the files know. `known` are those of earlier sets: a finding that stays in its place stays itself. */
export const place = (
  resources: ResourceSet,
  findings: readonly PlacedFinding[],
  known?: WeakMap<PlacedFinding, PlacedFinding>,
): readonly PlacedFinding[] =>
  findings.map((finding) => {
    const found = resources.placeOf(finding);
    if (found === undefined) return finding;
    const before = known?.get(finding);
    if (before?.place === found) return before;
    const placed = { ...finding, place: found };
    known?.set(finding, placed);
    return placed;
  });

/** The admin socket of the running portolan of a state folder. */
export async function runningPortolan(state: string | undefined, terminal: Terminal): Promise<AdminClient> {
  const [{ adminClient }, { adminSocket, stateFolder }] = await Promise.all([
    import('#admin/client.ts'),
    import('#admin/state-folder.ts'),
  ]);
  return adminClient(adminSocket(state ?? stateFolder(terminal.environment)));
}

/** Turns what the admin client throws into failures with their exit codes. */
export async function asked<T>(answer: Promise<T>): Promise<T> {
  const { AdminRefusal, NotRunning } = await import('#admin/client.ts');
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NotRunning) {
      throw new Failure(EXIT.unreachable, 'no portolan runs with this state folder', {
        expected: `an answer at ${error.socket}`,
        came: 'nobody listens there',
        next: 'portolan run -f PATH, or name files with -f, or another folder with --state',
      });
    }
    if (error instanceof AdminRefusal) throw new Failure(EXIT.refused, error.message);
    throw error;
  }
}

/** The world of `-f`, or else of the running portolan. */
export async function worldOf(
  values: { readonly file: readonly string[]; readonly state: string | undefined; readonly 'trust-domain': string },
  terminal: Terminal,
): Promise<World> {
  if (values.file.length > 0) return await readWorld(values.file, values['trust-domain'], terminal);
  return await asked((await runningPortolan(values.state, terminal)).world());
}

/** `NS/NAME` of a waypoint. */
export function waypointName(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...more] = text.split('/');
  if (namespace === '' || name === '' || more.length > 0) {
    throw usage(`"${text}" does not name a waypoint`, { expected: 'NAMESPACE/NAME', came: text });
  }
  return { namespace, name };
}
