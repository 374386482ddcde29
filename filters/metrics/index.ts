// Istio's request metrics as a waypoint reports them: one series of four metrics for every set of labels.
//
// Streams have no records here, and no program: what a request was when it began is in a ring (begun.ts), everything else
// is read when it is over. So the host calls twice for a request and not four times.

import { FIELD_COUNT } from '../abi/metrics.ts';
import { ACTION_CONTINUE, HEADER_MAP_REQUEST, METRIC_COUNTER, STATUS_OK } from '../abi/proxy.ts';
import { writeDecimal } from '../sdk/decimal.ts';
import { Feature, install } from '../sdk/feature.ts';
import { headerSize } from '../sdk/header-size.ts';
import { readFirstHeader } from '../sdk/headers.ts';
import { METRIC_NONE, defineMetric, increment, record } from '../sdk/metrics.ts';
import { Program } from '../sdk/program.ts';
import { PARTIES_STATE, PropertyPath, readProperty } from '../sdk/properties.ts';
import { Root } from '../sdk/root.ts';
import { stopwatch } from '../sdk/stopwatch.ts';
import { Stream } from '../sdk/stream.ts';
import { text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { Begun, begin, findBegun } from './begun.ts';
import * as destination from './destination.ts';
import { KEY_MAX, putLabel, putMaybeEmpty, putText } from './evaluate.ts';
import { FLAGS_MAX, writeFlags } from './flags.ts';
import * as parties from './parties.ts';
import { limit, open } from './program.ts';
import { findRecent, keepRecent } from './recent.ts';
import { Series, createSeries, findSeries } from './series.ts';
import * as source from './source.ts';

export * from '../sdk/plugin';
export { proxy_on_log, proxy_on_request_headers } from '../sdk/http';

const CONTENT_TYPE = text('content-type');
const GRPC_TYPE = text('application/grpc');
const PLUS: u8 = 0x2b;

const UPSTREAM_WORKLOAD: PropertyPath = text('xds\0upstream_host_metadata\0filter_metadata\0istio\0workload');
const RESPONSE_CODE: PropertyPath = text('response\0code');
const RESPONSE_FLAGS: PropertyPath = text('response\0flags');
const GRPC_STATUS: PropertyPath = text('response\0grpc_status');
const REQUEST_SIZE: PropertyPath = text('request\0total_size');
const RESPONSE_SIZE: PropertyPath = text('response\0total_size');
const REQUEST_DURATION: PropertyPath = text('request\0duration');

const WAYPOINT = text('waypoint');
const HTTP = text('http');
const GRPC = text('grpc');
const MUTUAL_TLS = text('mutual_tls');
const NONE = text('none');

const OVERFLOW = text('portolan_metrics_overflow_total');
let overflow: u32 = METRIC_NONE;
let overflowSeries: usize = 0;

let hasGrpcStatus: bool = false;
let grpcStatus: u64 = 0;

const MILLISECOND: u64 = 1000000;

const key: usize = heap.alloc(KEY_MAX);
const scratch: usize = heap.alloc(FLAGS_MAX);

class Metrics extends Feature {
  open(program: Program, root: Root): bool {
    if (!open(program)) return false;
    if (overflow == METRIC_NONE) overflow = defineMetric(METRIC_COUNTER, OVERFLOW.pointer, OVERFLOW.size);
    return true;
  }

  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    const begun = begin(stream.id);
    begun.at = stopwatch();
    begun.requestSize = endOfStream ? headerSize(HEADER_MAP_REQUEST) : 0;
    begun.grpc = isGrpc();
    return ACTION_CONTINUE;
  }

  onLog(stream: Stream): void {
    const found = findBegun(stream.id);
    let duration: u64 = 0;
    let requestSize: u64 = 0;
    let grpc = false;
    if (found != 0) {
      const begun = changetype<Begun>(found);
      duration = stopwatch() - begun.at;
      requestSize = begun.requestSize;
      grpc = begun.grpc;
    } else {
      duration = readNumber(REQUEST_DURATION);
      grpc = isGrpc();
    }
    const series = seriesOf(grpc);
    increment(series.requests, 1);
    record(series.duration, duration / MILLISECOND);
    record(series.requestBytes, requestSize > 0 ? requestSize : readNumber(REQUEST_SIZE));
    record(series.responseBytes, readNumber(RESPONSE_SIZE));
  }
}

/** The series of the stream that is over. */
function seriesOf(grpc: bool): Series {
  const said = readProperty(PARTIES_STATE) == STATUS_OK;
  const itsParties = value;
  const partiesSize = said ? valueSize : 0;
  const answered = readProperty(UPSTREAM_WORKLOAD) == STATUS_OK;
  const workload = value;
  const workloadSize = answered ? valueSize : 0;
  const code = readNumber(RESPONSE_CODE);
  const flags = readNumber(RESPONSE_FLAGS);
  hasGrpcStatus = grpc && readProperty(GRPC_STATUS) == STATUS_OK && valueSize == 8;
  grpcStatus = hasGrpcStatus ? load<u64>(value) : 0;
  // A status code has three digits, and there are some 30 flags.
  const outcome = (flags << 18) | (min<u64>(code, 0xffff) << 2) | ((<u64>grpc) << 1) | <u64>hasGrpcStatus;
  const recent = findRecent(itsParties, partiesSize, workload, workloadSize, outcome, grpcStatus);
  if (recent != 0) return changetype<Series>(recent);
  parties.readParties(itsParties, partiesSize);
  source.readSource(parties.baggage, parties.baggageSize, parties.principal, parties.principalSize);
  destination.readDestination(workload, workloadSize);
  const series = findSeries(key, writeKey(code, flags, grpc), limit);
  if (series == 0) return rest();
  keepRecent(series);
  return changetype<Series>(series);
}

/** The one series of what would be too many. */
function rest(): Series {
  increment(overflow, 1);
  if (overflowSeries == 0) {
    let end = putText(key, WAYPOINT);
    for (let i: u32 = 1; i < FIELD_COUNT; i++) end = putLabel(end, 0, 0);
    overflowSeries = changetype<usize>(createSeries(key, <u32>(end - key)));
  }
  return changetype<Series>(overflowSeries);
}

/** Writes the labels of a stream that is over to `key`, in the order of abi/metrics.ts. Gives its size. */
function writeKey(code: u64, flags: u64, grpc: bool): u32 {
  const identified = parties.principalSize > 0;
  let at = putText(key, WAYPOINT);
  at = putNumber(at, code);
  at = putText(at, grpc ? GRPC : HTTP);
  at = hasGrpcStatus ? putNumber(at, grpcStatus) : putMaybeEmpty(at, 0, 0);
  at = putMaybeEmpty(at, scratch, writeFlags(scratch, flags));
  at = putText(at, identified ? MUTUAL_TLS : NONE);
  at = putLabel(at, source.version, source.versionSize);
  at = putPart(at, destination.VERSION);
  at = putLabel(at, source.app, source.appSize);
  at = putPart(at, destination.APP);
  at = putLabel(at, source.namespace, source.namespaceSize);
  at = putPart(at, destination.NAMESPACE);
  at = putLabel(at, parties.namespace, parties.namespaceSize);
  at = putLabel(at, parties.name, parties.nameSize);
  at = putLabel(at, source.cluster, source.clusterSize);
  at = putPart(at, destination.CLUSTER);
  at = putLabel(at, source.workload, source.workloadSize);
  at = putPart(at, destination.WORKLOAD);
  at = putLabel(at, parties.host, parties.hostSize);
  at = putLabel(at, parties.principal, parties.principalSize);
  at = putPart(at, destination.PRINCIPAL);
  return <u32>(at - key);
}

function putPart(at: usize, part: u32): usize {
  return putLabel(at, destination.partOf(part), destination.partSizeOf(part));
}

function putNumber(at: usize, number: u64): usize {
  return putMaybeEmpty(at, scratch, writeDecimal(scratch, number));
}

/** A property that is a number; 0 when it is absent. */
function readNumber(path: PropertyPath): u64 {
  return readProperty(path) == STATUS_OK && valueSize == 8 ? load<u64>(value) : 0;
}

/** Exactly `application/grpc`, or with a `+` after it: `application/grpc-web` is something else. */
function isGrpc(): bool {
  if (readFirstHeader(HEADER_MAP_REQUEST, CONTENT_TYPE) != STATUS_OK) return false;
  const size = valueSize;
  if (size < GRPC_TYPE.size || memory.compare(value, GRPC_TYPE.pointer, GRPC_TYPE.size) != 0) return false;
  return size == GRPC_TYPE.size || load<u8>(value + GRPC_TYPE.size) == PLUS;
}

install(new Metrics());
