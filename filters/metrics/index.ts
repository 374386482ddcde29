import { FIELD_COUNT, METRICS_HOST, METRICS_NAME, METRICS_NAMESPACE } from '../abi/metrics.ts';
import { ACTION_CONTINUE, HEADER_MAP_REQUEST, METRIC_COUNTER, STATUS_OK } from '../abi/proxy.ts';
import { writeDecimal } from '../sdk/decimal.ts';
import { Feature, install } from '../sdk/feature.ts';
import { headerSize } from '../sdk/header-size.ts';
import { readFirstHeader } from '../sdk/headers.ts';
import { METRIC_NONE, defineMetric, increment, record } from '../sdk/metrics.ts';
import { Program } from '../sdk/program.ts';
import { PEER_PRINCIPAL, PropertyPath, SOURCE_BAGGAGE, readProperty } from '../sdk/properties.ts';
import { Root } from '../sdk/root.ts';
import { stopwatch } from '../sdk/stopwatch.ts';
import { Stream } from '../sdk/stream.ts';
import { text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import * as destination from './destination.ts';
import { KEY_MAX, putLabel, putMaybeEmpty, putText } from './evaluate.ts';
import { FLAGS_MAX, writeFlags } from './flags.ts';
import { limitOf, open, textOf, textSizeOf } from './program.ts';
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

const MILLISECOND: u64 = 1000000;

const key: usize = heap.alloc(KEY_MAX);
const scratch: usize = heap.alloc(FLAGS_MAX);

/** What must be known before the response, because it can be had cheaply only then. */
@unmanaged
class MeasuredStream extends Stream {
  /** By the stopwatch; 0: the request's headers never came here. */
  began: u64 = 0;
  /** Of a request without a body; 0: ask at the end. */
  requestSize: u32 = 0;
  grpc: bool = false;
}

/** Istio's request metrics as a waypoint reports them: one series of four metrics for every set of labels. */
class Metrics extends Feature {
  constructor() {
    super(<u32>offsetof<MeasuredStream>());
  }

  open(program: Program, root: Root): bool {
    if (!open(program)) return false;
    if (overflow == METRIC_NONE) overflow = defineMetric(METRIC_COUNTER, OVERFLOW.pointer, OVERFLOW.size);
    return true;
  }

  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    const measured = changetype<MeasuredStream>(stream);
    measured.began = stopwatch();
    if (endOfStream) measured.requestSize = headerSize(HEADER_MAP_REQUEST);
    measured.grpc = readFirstHeader(HEADER_MAP_REQUEST, CONTENT_TYPE) == STATUS_OK && isGrpc(value, valueSize);
    return ACTION_CONTINUE;
  }

  onLog(stream: Stream): void {
    const program = stream.program;
    if (program.size == 0) return;
    const measured = changetype<MeasuredStream>(stream);
    const series = seriesOf(program, writeKey(program, measured));
    const duration = measured.began == 0 ? readNumber(REQUEST_DURATION) : stopwatch() - measured.began;
    increment(series.requests, 1);
    record(series.duration, duration / MILLISECOND);
    record(series.requestBytes, measured.requestSize > 0 ? measured.requestSize : readNumber(REQUEST_SIZE));
    record(series.responseBytes, readNumber(RESPONSE_SIZE));
  }
}

function seriesOf(program: Program, keySize: u32): Series {
  const series = findSeries(key, keySize, limitOf(program));
  if (series != 0) return changetype<Series>(series);
  increment(overflow, 1);
  if (overflowSeries == 0) {
    let end = putText(key, WAYPOINT);
    for (let i: u32 = 1; i < FIELD_COUNT; i++) end = putLabel(end, 0, 0);
    overflowSeries = changetype<usize>(createSeries(key, <u32>(end - key)));
  }
  return changetype<Series>(overflowSeries);
}

/** Writes the labels of a stream that is over to `key`, in the order of abi/metrics.ts. Gives its size. */
function writeKey(program: Program, stream: MeasuredStream): u32 {
  const identified = readProperty(PEER_PRINCIPAL) == STATUS_OK && valueSize > 0;
  const principal = value;
  const principalSize = identified ? valueSize : 0;
  const hasBaggage = readProperty(SOURCE_BAGGAGE) == STATUS_OK;
  source.readSource(value, hasBaggage ? valueSize : 0, principal, principalSize);
  const answered = readProperty(UPSTREAM_WORKLOAD) == STATUS_OK;
  destination.readDestination(value, answered ? valueSize : 0);
  let at = putText(key, WAYPOINT);
  at = putNumber(at, readNumber(RESPONSE_CODE));
  at = putText(at, stream.grpc ? GRPC : HTTP);
  at = putGrpcStatus(at, stream.grpc);
  at = putMaybeEmpty(at, scratch, writeFlags(scratch, readNumber(RESPONSE_FLAGS)));
  at = putText(at, identified ? MUTUAL_TLS : NONE);
  at = putLabel(at, source.version, source.versionSize);
  at = putPart(at, destination.VERSION);
  at = putLabel(at, source.app, source.appSize);
  at = putPart(at, destination.APP);
  at = putLabel(at, source.namespace, source.namespaceSize);
  at = putPart(at, destination.NAMESPACE);
  at = putLabel(at, textOf(program, METRICS_NAMESPACE), textSizeOf(program, METRICS_NAMESPACE));
  at = putLabel(at, textOf(program, METRICS_NAME), textSizeOf(program, METRICS_NAME));
  at = putLabel(at, source.cluster, source.clusterSize);
  at = putPart(at, destination.CLUSTER);
  at = putLabel(at, source.workload, source.workloadSize);
  at = putPart(at, destination.WORKLOAD);
  at = putLabel(at, textOf(program, METRICS_HOST), textSizeOf(program, METRICS_HOST));
  at = putLabel(at, principal, principalSize);
  at = putPart(at, destination.PRINCIPAL);
  return <u32>(at - key);
}

function putPart(at: usize, part: u32): usize {
  return putLabel(at, destination.partOf(part), destination.partSizeOf(part));
}

function putGrpcStatus(at: usize, grpc: bool): usize {
  if (!grpc || readProperty(GRPC_STATUS) != STATUS_OK || valueSize != 8) return putMaybeEmpty(at, 0, 0);
  return putNumber(at, load<u64>(value));
}

function putNumber(at: usize, number: u64): usize {
  return putMaybeEmpty(at, scratch, writeDecimal(scratch, number));
}

/** A property that is a number; 0 when it is absent. */
function readNumber(path: PropertyPath): u64 {
  return readProperty(path) == STATUS_OK && valueSize == 8 ? load<u64>(value) : 0;
}

/** Exactly `application/grpc`, or with a `+` after it: `application/grpc-web` is something else. */
function isGrpc(type: usize, size: u32): bool {
  if (size < GRPC_TYPE.size || memory.compare(type, GRPC_TYPE.pointer, GRPC_TYPE.size) != 0) return false;
  return size == GRPC_TYPE.size || load<u8>(type + GRPC_TYPE.size) == PLUS;
}

install(new Metrics());
