import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { RouteSchema } from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { WasmSchema } from '#gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.ts';
import { BytesValueSchema } from '@bufbuild/protobuf/wkt';
import { any } from './any.ts';
import { shaped } from './shape.ts';
import { Slab } from './slab.ts';
import { hole, holeBytes, template, type Template, write } from './template.ts';

const seed = Number(process.env['PORTOLAN_SEED'] ?? Date.now() % 1e9);
const runs = { seed, numRuns: 300, verbose: true };

// Lengths around 128 and 16,384 change the size of the length itself.
// Empty texts are left out by protobuf-es and written by a template, which means the same.
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.nat(300).map((n) => 'x'.repeat(n)),
    fc.constant('y'.repeat(16_384)),
  )
  .filter((value) => value !== '');

const slab = new Slab();

function filled(made: Template, ...values: readonly (string | Uint8Array)[]): Buffer {
  slab.begin();
  write(slab, made, values);
  return Buffer.from(slab.finish());
}

describe('template', () => {
  const clusterOf = (name: string, key: string, value: string) => ({
    name,
    altStatName: `cluster/${name}/end`,
    metadata: { filterMetadata: { istio: { [key]: value } } },
    connectTimeout: { seconds: 3n },
  });
  const cluster = template(ClusterSchema, clusterOf(hole(0), 'workload', hole(1)));

  it('encodes what protobuf-es encodes, in texts, parts of texts and values of maps', () => {
    fc.assert(
      fc.property(text, text, (name, value) => {
        const expected = toBinary(ClusterSchema, create(ClusterSchema, clusterOf(name, 'workload', value)));
        expect(filled(cluster, name, value).equals(expected)).toBe(true);
      }),
      runs,
    );
  });

  it('reaches through Any into bytes', () => {
    const configOf = (name: string, program: Uint8Array) => ({
      name,
      typedConfig: any(WasmSchema, { config: { configuration: any(BytesValueSchema, { value: program }) } }),
    });
    const make = template(TypedExtensionConfigSchema, configOf(hole(0), holeBytes(1)));
    fc.assert(
      fc.property(text, fc.uint8Array({ minLength: 1, maxLength: 20_000 }), (name, program) => {
        const expected = toBinary(
          TypedExtensionConfigSchema,
          create(TypedExtensionConfigSchema, configOf(name, program)),
        );
        expect(filled(make, name, program).equals(expected)).toBe(true);
      }),
      runs,
    );
  });
});

describe('shaped', () => {
  const writeShaped = shaped(RouteSchema);
  const routeOf = (name: string, prefix: string, clusters: readonly (readonly [string, number])[]) => ({
    name,
    match: { pathSpecifier: { case: 'prefix' as const, value: prefix } },
    action: {
      case: 'route' as const,
      value: {
        clusterSpecifier: {
          case: 'weightedClusters' as const,
          value: { clusters: clusters.map(([cluster, weight]) => ({ name: cluster, weight })) },
        },
      },
    },
  });

  it('encodes what protobuf-es encodes, shape after shape', () => {
    fc.assert(
      fc.property(text, text, fc.array(fc.tuple(text, fc.nat(5)), { maxLength: 4 }), (name, prefix, clusters) => {
        const expected = toBinary(RouteSchema, create(RouteSchema, routeOf(name, prefix, clusters)));
        slab.begin();
        writeShaped(slab, routeOf(name, prefix, clusters));
        expect(Buffer.from(slab.finish()).equals(expected)).toBe(true);
      }),
      runs,
    );
  });
});
