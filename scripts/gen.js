// Generates runtime/gen (TypeScript for the Envoy API) from the descriptors in PyPI's `xds-protos`.
//
// The wheel holds one Python module a .proto, each with its serialized FileDescriptorProto as a bytes
// literal. They are read as text (no Python protobuf needed), cut down to the files that scripts/protos.txt
// names and what those import, and handed to protoc-gen-es on its standard input as protoc would.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as wkt from '@bufbuild/protobuf/wkt';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'runtime/gen');
const WHEEL = join(ROOT, 'build/xds-protos');
const REQUIREMENTS = join(ROOT, 'scripts/requirements-protos.txt');
const ROOTS = join(ROOT, 'scripts/protos.txt');
const STAMP = join(OUT, '.inputs');

/** Files that hold only options (validation rules, version annotations): nothing at run time reads them. */
const isAnnotation = (name) => /^(validate\/|(udpa|xds|envoy)\/annotations)/.test(name);

const inputs = createHash('sha256')
  .update(readFileSync(REQUIREMENTS))
  .update(readFileSync(ROOTS))
  .update(readFileSync(import.meta.filename))
  .digest('hex');

if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === inputs) process.exit(0);

installWheel();
const descriptors = readDescriptors(WHEEL);
const files = closure(
  readFileSync(ROOTS, 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#')),
);
files.forEach(stripAnnotations);
generate(files);
writeFileSync(STAMP, inputs);
console.error(`gen: ${files.length} files of the Envoy API`);

function installWheel() {
  rmSync(WHEEL, { recursive: true, force: true });
  const pip = spawnSync(
    'python3',
    [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--root-user-action=ignore',
      '--no-deps',
      '--require-hashes',
      '--target',
      WHEEL,
      '-r',
      REQUIREMENTS,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (pip.status !== 0) {
    console.error(
      'gen: the Envoy API descriptors could not be had.\n' +
        '  expected  python3 with pip, and a package index that holds xds-protos 1.85.0\n' +
        `  came      ${pip.error ? pip.error.message : `pip ended with status ${pip.status}`}\n` +
        '  next      install python3-pip, or point pip at your index (pip config), and run npm run build again',
    );
    process.exit(1);
  }
}

function readDescriptors(folder) {
  const byName = new Map();
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!entry.endsWith('_pb2.py')) continue;
    const literal = /AddSerializedFile\(b(['"])((?:\\[^]|(?!\1)[^])*)\1\)/.exec(
      readFileSync(join(folder, entry), 'latin1'),
    );
    if (!literal) continue;
    const file = fromBinary(wkt.FileDescriptorProtoSchema, pythonBytes(literal[2]));
    byName.set(file.name, file);
  }
  // google/protobuf/* are not in the wheel; protobuf-es carries its own.
  for (const value of Object.values(wkt)) {
    if (value?.kind === 'file' && !byName.has(value.proto.name)) byName.set(value.proto.name, value.proto);
  }
  return byName;
}

function pythonBytes(literal) {
  const simple = { n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11, '\\': 92, "'": 39, '"': 34 };
  const bytes = [];
  for (let i = 0; i < literal.length; i++) {
    if (literal[i] !== '\\') bytes.push(literal.charCodeAt(i));
    else if (literal[++i] === 'x') bytes.push(parseInt(literal.slice(i + 1, (i += 2) + 1), 16));
    else if (/[0-7]/.test(literal[i])) {
      const octal = /^[0-7]{1,3}/.exec(literal.slice(i))[0];
      bytes.push(parseInt(octal, 8));
      i += octal.length - 1;
    } else bytes.push(simple[literal[i]]);
  }
  return Uint8Array.from(bytes);
}

/** The named files and all they import, dependencies first. */
function closure(roots) {
  const seen = new Set();
  const ordered = [];
  const visit = (name) => {
    if (seen.has(name) || isAnnotation(name)) return;
    seen.add(name);
    const file = descriptors.get(name);
    if (!file) throw new Error(`gen: xds-protos holds no ${name}`);
    file.dependency.forEach(visit);
    ordered.push(file);
  };
  roots.forEach(visit);
  return ordered;
}

/** Options that annotate (unknown extensions to protobuf-es) would drag in the annotation files. */
function stripAnnotations(file) {
  const bare = (node) => {
    if (node?.options) delete node.options.$unknown;
  };
  const stripEnum = (node) => [node, ...node.value].forEach(bare);
  const stripMessage = (node) => {
    [node, ...node.field, ...node.oneofDecl].forEach(bare);
    node.enumType.forEach(stripEnum);
    node.nestedType.forEach(stripMessage);
  };
  file.dependency = file.dependency.filter((name) => !isAnnotation(name));
  file.publicDependency = [];
  file.weakDependency = [];
  bare(file);
  file.messageType.forEach(stripMessage);
  file.enumType.forEach(stripEnum);
  for (const service of file.service) [service, ...service.method].forEach(bare);
}

function generate(protoFile) {
  const request = create(wkt.CodeGeneratorRequestSchema, {
    parameter: 'target=ts,import_extension=ts',
    protoFile,
    fileToGenerate: protoFile.map((file) => file.name).filter((name) => !name.startsWith('google/protobuf/')),
  });
  const plugin = spawnSync(process.execPath, [join(ROOT, 'node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es')], {
    input: toBinary(wkt.CodeGeneratorRequestSchema, request),
    maxBuffer: 1 << 28,
  });
  if (plugin.status !== 0) throw new Error(`gen: protoc-gen-es failed\n${plugin.stderr}`);
  const response = fromBinary(wkt.CodeGeneratorResponseSchema, plugin.stdout);
  if (response.error) throw new Error(`gen: ${response.error}`);
  rmSync(OUT, { recursive: true, force: true });
  for (const { name, content } of response.file) {
    const path = join(OUT, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  writeRegistry(request.fileToGenerate);
}

/** One registry of all generated types, so that an Any can be printed: only what prints configuration imports it. */
function writeRegistry(names) {
  const modules = names.map((name) => name.replace(/\.proto$/, ''));
  const symbol = (module) => `file_${module.replaceAll(/[/.-]/g, '_')}`;
  const lines = [
    "import { createRegistry, type Registry } from '@bufbuild/protobuf';",
    ...modules.map((module) => `import { ${symbol(module)} } from './${module}_pb.ts';`),
    '',
    `export const registry: Registry = createRegistry(${modules.map(symbol).join(', ')});`,
    '',
  ];
  writeFileSync(join(OUT, 'registry.ts'), lines.join('\n'));
}
