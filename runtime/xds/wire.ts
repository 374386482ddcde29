import { create, toBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import type { XdsResource } from '#envoy/resource.ts';
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryResponse,
} from '#gen/envoy/service/discovery/v3/discovery_pb.ts';

// The resources of a response are written here, byte by byte, because they are bytes already: a Resource and an Any
// around each of 40,000 programs cost 700 ms as message objects, and 25 ms as below. They travel in the message as
// a field that protobuf-es does not know and copies as it is.
//
//   DeltaDiscoveryResponse                      DiscoveryResponse
//   ┌──────────────────────────────────┐        ┌──────────────────────────┐
//   │ 2 Resource  ┌──────────────────┐ │  × n   │ 2 Any  ┌───────────────┐ │  × n
//   │             │ 1 version        │ │        │        │ 1 type URL    │ │
//   │             │ 2 Any ┌────────┐ │ │        │        │ 2 value       │ │
//   │             │       │ 1 type │ │ │        │        └───────────────┘ │
//   │             │       │ 2 value│ │ │        └──────────────────────────┘
//   │             │       └────────┘ │ │
//   │             │ 3 name           │ │        Both number their resources 2.
//   │             └──────────────────┘ │
//   └──────────────────────────────────┘

const RESOURCES = 2;

/** The first byte of a length-delimited field below 16. */
const tag = (field: number): number => (field << 3) | WireType.LengthDelimited;

const varintSize = (value: number): number => {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
};

/** A field of `length` bytes with its tag and length. */
const fieldSize = (length: number): number => 1 + varintSize(length) + length;

/** Appends to a buffer whose size was computed before. */
class Writer {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  open(field: number, length: number): void {
    this.bytes[this.#at++] = tag(field);
    let rest = length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.bytes[this.#at++] = rest;
  }

  text(field: number, value: string, length: number): void {
    this.open(field, length);
    this.#at += this.bytes.write(value, this.#at, 'utf8');
  }

  raw(field: number, value: Uint8Array): void {
    this.open(field, value.length);
    this.bytes.set(value, this.#at);
    this.#at += value.length;
  }
}

const anySize = (typeLength: number, resource: XdsResource): number =>
  fieldSize(typeLength) + fieldSize(resource.value.length);

function writeAny(writer: Writer, field: number, size: number, typeLength: number, resource: XdsResource): void {
  writer.open(field, size);
  writer.text(1, resource.typeUrl, typeLength);
  writer.raw(2, resource.value);
}

function deltaResources(resources: readonly XdsResource[], typeLength: number): Buffer {
  const sizes = resources.map((resource) => {
    const any = anySize(typeLength, resource);
    const version = Buffer.byteLength(resource.version);
    const name = Buffer.byteLength(resource.name);
    return { resource, any, version, name, all: fieldSize(version) + fieldSize(any) + fieldSize(name) };
  });
  const writer = new Writer(sizes.reduce((sum, size) => sum + fieldSize(size.all), 0));
  for (const { resource, any, version, name, all } of sizes) {
    writer.open(RESOURCES, all);
    writer.text(1, resource.version, version);
    writeAny(writer, 2, any, typeLength, resource);
    writer.text(3, resource.name, name);
  }
  return writer.bytes;
}

function worldResources(resources: readonly XdsResource[], typeLength: number): Buffer {
  const sizes = resources.map((resource) => anySize(typeLength, resource));
  const writer = new Writer(sizes.reduce((sum, size) => sum + fieldSize(size), 0));
  for (const [index, resource] of resources.entries()) {
    writeAny(writer, RESOURCES, sizes[index] ?? 0, typeLength, resource);
  }
  return writer.bytes;
}

/** The fields as one unknown field: protobuf-es writes its tag, which is therefore cut off here, and then the rest. */
const asUnknown = (fields: Buffer) =>
  fields.length === 0
    ? {}
    : { $unknown: [{ no: RESOURCES, wireType: WireType.LengthDelimited, data: fields.subarray(1) }] };

/** An incremental response of one type; all resources are of that type. */
export function deltaResponse(
  typeUrl: string,
  nonce: string,
  resources: readonly XdsResource[],
  removed: readonly string[],
): DeltaDiscoveryResponse {
  const message = create(DeltaDiscoveryResponseSchema, { typeUrl, nonce, removedResources: [...removed] });
  return Object.assign(message, asUnknown(deltaResources(resources, Buffer.byteLength(typeUrl))));
}

/** A state-of-the-world response of one type; all resources are of that type. */
export function worldResponse(
  typeUrl: string,
  nonce: string,
  versionInfo: string,
  resources: readonly XdsResource[],
): DiscoveryResponse {
  const message = create(DiscoveryResponseSchema, { typeUrl, nonce, versionInfo });
  return Object.assign(message, asUnknown(worldResources(resources, Buffer.byteLength(typeUrl))));
}

/** How many bytes a response takes in its gRPC message, without writing its resources again. */
export function responseSize(response: DeltaDiscoveryResponse | DiscoveryResponse): number {
  const written = response.$unknown?.reduce((sum, field) => sum + 1 + field.data.length, 0) ?? 0;
  const envelope = { ...response, $unknown: [] };
  return (
    written +
    (envelope.$typeName === 'envoy.service.discovery.v3.DiscoveryResponse'
      ? toBinary(DiscoveryResponseSchema, envelope).length
      : toBinary(DeltaDiscoveryResponseSchema, envelope).length)
  );
}
