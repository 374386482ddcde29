import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findEnvoy } from '#proxy/find.ts';
import type { ControlPlaneOptions, Measurement } from './control-plane.ts';
import { dataPlane } from './data-plane/index.ts';
import { thisMachine } from './machine.ts';
import { plot } from './plot.ts';
import { report } from './report.ts';
import type { Results } from './results.ts';

// `npm run bench`, bundled and started by scripts/bench.js in the project's folder.

const HELP = `npm run bench -- [control|data|all] [--quick] [--rounds N] [--only TEXT]
                        [--module NAME=FILE]... [--seed N] [--json]

  control      what changes cost: the runtime's CPU, bytes, time to ACK; against Istio's shape
  data         what requests cost: worker CPU a request, by filter and by number of policies
  --quick      under a minute: shows that it runs, measures little
  --rounds N   of the data plane; a round measures every variant once
  --module NAME=FILE
               of the data plane: measures a module from elsewhere, without configuration, beside ours
  --only TEXT  of the data plane: variants with this in their name, and what they are compared to
  --json       prints the results as JSON

Writes build/bench/results.json, results.md and results.svg.
`;

const FILTERS = 'build/filters';
const OUT = 'build/bench';

/** Sizes of the control plane's part. */
const FULL = { sizes: [10, 100, 1_000, 10_000], services: 1_000 };
const QUICK = { sizes: [10, 100, 1_000], services: 100 };

const started = performance.now();
const progress = (text: string): void => {
  const seconds = ((performance.now() - started) / 1_000).toFixed(0).padStart(4);
  process.stderr.write(`bench: ${seconds} s  ${text}\n`);
};

async function controlPlane(quick: boolean): Promise<readonly Measurement[]> {
  // It looks for Envoy in the environment when it is loaded.
  const part = await import('./control-plane.ts');
  const module = (feature: string): string => join(process.cwd(), FILTERS, `${feature}.release.wasm`);
  const modules: ControlPlaneOptions['modules'] = {
    authz: module('authz'),
    routing: module('routing'),
    fault: module('fault'),
    metrics: module('metrics'),
  };
  const lines: Measurement[] = [];
  await part.controlPlane({ ...(quick ? QUICK : FULL), modules }, (line) => {
    progress(`control plane: ${line.bench}, ${line.services} services`);
    lines.push(line);
  });
  return lines;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      module: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [part = 'all', ...rest] = positionals;
  if (values.help) return void process.stdout.write(HELP);
  if (!['control', 'data', 'all'].includes(part) || rest.length > 0) {
    throw new Error(`expected control, data or all; came "${positionals.join(' ')}"\n\n${HELP}`);
  }
  const rounds = values.rounds === undefined ? undefined : wholeNumber('--rounds', values.rounds);
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : wholeNumber('--seed', values.seed);
  const { quick } = values;

  const envoy = await findEnvoy();
  process.env['PORTOLAN_ENVOY'] = envoy.path;
  const machine = thisMachine(envoy.version);
  const began = new Date().toISOString();
  progress(`seed ${seed}`);
  const data =
    part === 'control'
      ? undefined
      : await dataPlane({
          envoy: envoy.path,
          filters: join(process.cwd(), FILTERS),
          nodeLoad: join(import.meta.dirname, 'node-load.js'),
          modules: new Map(values.module.map(namedFile)),
          quick,
          seed,
          progress,
          ...(rounds === undefined ? {} : { rounds }),
          ...(values.only === undefined ? {} : { only: values.only }),
        });
  const control = part === 'data' ? undefined : await controlPlane(quick);
  const results: Results = {
    machine,
    began,
    seconds: Math.round((performance.now() - started) / 1_000),
    quick,
    ...(control && { control }),
    ...(data && { data }),
  };
  mkdirSync(OUT, { recursive: true });
  const json = `${JSON.stringify(results, undefined, 1)}\n`;
  const text = report(results);
  writeFileSync(join(OUT, 'results.json'), json);
  writeFileSync(join(OUT, 'results.md'), text);
  if (data) writeFileSync(join(OUT, 'results.svg'), plot(data));
  process.stdout.write(values.json ? json : text);
  progress(`written: ${OUT}/results.json, results.md${data ? ', results.svg' : ''}`);
}

function namedFile(text: string): readonly [name: string, file: string] {
  const [name = '', file = ''] = text.split(/=(.*)/s);
  if (name === '' || !existsSync(file)) {
    throw new Error(`--module: expected NAME=FILE with the file of a WebAssembly module, came "${text}"`);
  }
  return [name, resolve(file)];
}

function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${flag}: expected a whole number above 0, came "${text}"`);
  return Number(text);
}

// Ends regularly, so that what was started ends too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
