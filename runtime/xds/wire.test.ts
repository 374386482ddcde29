import * as fc from 'fast-check';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { CLUSTER, type XdsResource } from '#envoy/resource.ts';
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import { deltaResponse, responseSize, worldResponse } from './wire.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const resource = fc.record({
  typeUrl: fc.constant(CLUSTER),
  name: text,
  version: text,
  // Around the borders at which a length takes one byte more, too.
  value: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(0, 127, 128, 16_383, 16_384, 2_097_152).map((length) => new Uint8Array(length).fill(7)),
  ),
});
const resources: fc.Arbitrary<XdsResource[]> = fc.array(resource, { maxLength: 4 });

// What we wrote is read by protobuf-es and written again by it: the fields come in its own order then.
it('writes the delta response that protobuf-es writes', () => {
  fc.assert(
    fc.property(resources, fc.array(text, { maxLength: 3 }), text, (sent, removed, nonce) => {
      const response = deltaResponse(CLUSTER, nonce, sent, removed);
      const bytes = toBinary(DeltaDiscoveryResponseSchema, response);
      const expected = create(DeltaDiscoveryResponseSchema, {
        typeUrl: CLUSTER,
        nonce,
        removedResources: removed,
        resources: sent.map(({ typeUrl, name, version, value }) => ({ name, version, resource: { typeUrl, value } })),
      });
      const read = toBinary(DeltaDiscoveryResponseSchema, fromBinary(DeltaDiscoveryResponseSchema, bytes));
      expect(Buffer.compare(read, toBinary(DeltaDiscoveryResponseSchema, expected))).toBe(0);
      expect(responseSize(response)).toBe(bytes.length);
    }),
    { numRuns: 60 },
  );
});

it('writes the state-of-the-world response that protobuf-es writes', () => {
  fc.assert(
    fc.property(resources, text, text, (sent, nonce, versionInfo) => {
      const response = worldResponse(CLUSTER, nonce, versionInfo, sent);
      const bytes = toBinary(DiscoveryResponseSchema, response);
      const expected = create(DiscoveryResponseSchema, {
        typeUrl: CLUSTER,
        nonce,
        versionInfo,
        resources: sent.map(({ typeUrl, value }) => ({ typeUrl, value })),
      });
      const read = toBinary(DiscoveryResponseSchema, fromBinary(DiscoveryResponseSchema, bytes));
      expect(Buffer.compare(read, toBinary(DiscoveryResponseSchema, expected))).toBe(0);
      expect(responseSize(response)).toBe(bytes.length);
    }),
    { numRuns: 60 },
  );
});
