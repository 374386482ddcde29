import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_VERSION } from '#admin/api.ts';
import { authorityFolder, stateFolder } from '#admin/state-folder.ts';
import { openAuthority } from '#identity/authority-folder.ts';
import { describe, type CertificateDescription } from '#identity/describe.ts';
import type { RunOf, Values } from './command.ts';
import type { certs } from './commands/certs.ts';
import { durationOf, shortDuration } from './duration.ts';
import { EXIT, type Exit } from './exit.ts';
import { Failure, usage } from './failure.ts';
import { identityOf } from './identity.ts';
import { jsonText, yamlText } from './render/document.ts';
import { table } from './render/table.ts';
import type { Terminal } from './terminal.ts';
import { asked, runningPortolan } from './world.ts';

type Flags = Values<typeof certs.flags>;

export const run: RunOf<typeof certs> = async ({ values, positionals, terminal }) => {
  const [word = '', ...rest] = positionals;
  switch (word) {
    case 'issue':
      return await issue(values, rest, terminal);
    case 'inspect':
      return await inspect(values, rest, terminal);
    case 'list':
      return await list(values, terminal);
    default:
      throw usage(word === '' ? 'certs needs to know what to do' : `certs does not know "${word}"`, {
        expected: 'issue, inspect or list',
        next: 'portolan help certs',
      });
  }
};

async function issue(values: Flags, [text, ...more]: readonly string[], terminal: Terminal): Promise<Exit> {
  const { out } = values;
  if (text === undefined || more.length > 0 || out === undefined) {
    throw usage('certs issue needs one identity and a folder', {
      expected: 'portolan certs issue IDENTITY --out FOLDER',
      next: 'portolan help certs',
    });
  }
  const trustDomain = values['trust-domain'];
  const identity = identityOf(text, trustDomain);
  const ttlMs = durationOf('--ttl', values.ttl);
  const authority = await openAuthority(
    authorityFolder(values.state ?? stateFolder(terminal.environment)),
    trustDomain,
  );
  const issued = await authority.issue({ spiffeId: identity, ttlMs }).catch((error: Error) => {
    throw new Failure(EXIT.refused, error.message);
  });
  await mkdir(out, { recursive: true, mode: 0o700 });
  const paths = { certificate: join(out, 'tls.crt'), key: join(out, 'tls.key'), roots: join(out, 'ca.crt') };
  await Promise.all([
    writeFile(paths.certificate, issued.certificate),
    writePrivate(paths.key, issued.key),
    writeFile(paths.roots, authority.root),
  ]);
  const { notAfter, serial } = issued;
  if (values.json || values.output === 'json')
    terminal.out(jsonText({ apiVersion: API_VERSION, identity, notAfter, serial, paths }));
  else if (values.output === 'yaml')
    terminal.out(yamlText({ apiVersion: API_VERSION, identity, notAfter, serial, paths }));
  else {
    terminal.out(
      Object.values(paths)
        .map((path) => `${path}\n`)
        .join(''),
    );
    if (!terminal.quiet) terminal.err(`${identity}, until ${notAfter.toISOString()}, serial ${serial}\n`);
  }
  return EXIT.ok;
}

/** A file that was there with a wider mode is narrowed before the key is in it. */
async function writePrivate(path: string, text: string): Promise<void> {
  await chmod(path, 0o600).catch(() => undefined);
  await writeFile(path, text, { mode: 0o600 });
}

async function inspect(values: Flags, files: readonly string[], terminal: Terminal): Promise<Exit> {
  if (files.length === 0) throw usage('certs inspect needs a file', { next: 'portolan certs inspect tls.crt' });
  const roots = values.root === undefined ? undefined : await readFile(values.root, 'utf8');
  const described = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8');
      try {
        return { file, ...describe(text, roots) };
      } catch (error) {
        throw new Failure(EXIT.badInput, `${file} cannot be read as a certificate`, { came: (error as Error).message });
      }
    }),
  );
  show(values, terminal, described, () => inspected(described, values.output === 'wide', terminal));
  const isGood = ({ status }: CertificateDescription): boolean => status === 'valid' || status === 'not checked';
  return described.every(isGood) ? EXIT.ok : EXIT.found;
}

type Described = CertificateDescription & { readonly file: string };

function inspected(certificates: readonly Described[], wide: boolean, terminal: Terminal): string {
  const head = ['FILE', 'IDENTITY', 'STATUS', 'NOT-AFTER', 'LEFT', 'SERIAL', 'CHAIN'];
  const rows = certificates.map(({ file, identity, names, status, notAfter, serial, chain, issuer, fingerprint }) => [
    file,
    identity ?? names,
    status,
    notAfter.toISOString(),
    notAfter.getTime() < Date.now() ? 'none' : shortDuration(notAfter.getTime() - Date.now()),
    serial,
    String(chain.length + 1),
    ...(wide ? [issuer, fingerprint] : []),
  ]);
  return table([...head, ...(wide ? ['ISSUER', 'SHA-256'] : [])], rows, terminal.style.out);
}

async function list(values: Flags, terminal: Terminal): Promise<Exit> {
  const { waypoints } = await asked((await runningPortolan(values.state, terminal)).status());
  const certificates = waypoints.map(({ namespace, name, identity, certificateExpires }) => ({
    identity,
    waypoint: `${namespace}/${name}`,
    notAfter: certificateExpires,
  }));
  show(values, terminal, certificates, () =>
    table(
      ['IDENTITY', 'WAYPOINT', 'NOT-AFTER', 'LEFT'],
      certificates.map(({ identity, waypoint, notAfter }) => {
        const left = notAfter === undefined ? undefined : shortDuration(Date.parse(notAfter) - Date.now());
        return [identity, waypoint, notAfter, left];
      }),
      terminal.style.out,
    ),
  );
  if (certificates.length === 0 && !terminal.quiet) terminal.err('no waypoint runs\n');
  return EXIT.ok;
}

function show(
  values: Flags,
  terminal: Terminal,
  certificates: readonly { readonly identity?: string | undefined }[],
  asTable: () => string,
): void {
  switch (values.json ? 'json' : values.output) {
    case 'json':
      return terminal.out(jsonText({ apiVersion: API_VERSION, certificates }));
    case 'yaml':
      return terminal.out(yamlText({ apiVersion: API_VERSION, certificates }));
    case 'name':
      return terminal.out(certificates.map(({ identity }) => `${identity ?? '-'}\n`).join(''));
    default:
      if (certificates.length > 0) terminal.out(asTable());
  }
}
