// Scripts for test/filters/fixtures/parity.ts: what a filter does, phase by phase. Each is run in the host and in Envoy.

export interface ParityCase {
  /** First word of the script: log lines are found by it. */
  readonly label: string;
  readonly steps: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

const PAIRS = 'rq:pairs,0;rs:pairs,0;rs:pairs,2;lg:pairs,0;lg:pairs,2';

const PROPERTIES = `request/path request/url_path request/host request/scheme request/method request/referer
  request/useragent request/id request/query request/headers/x-a request/headers/x-none request/headers
  request/time request/protocol request/size request/total_size request/duration request/nothing
  response/code response/code_details response/grpc_status response/headers/x-up response/flags response/size
  response/total_size response/backend_latency connection_id connection/id connection/mtls connection/tls_version
  connection/requested_server_name connection/uri_san_peer_certificate connection/termination_details
  source/address source/port destination/address destination/port source/uri_san_peer_certificate
  upstream/address upstream/port upstream/local_address upstream/request_attempt_count upstream/tls_version
  xds/cluster_name xds/route_name xds/virtual_host_name xds/listener_direction xds/filter_chain_name
  filter_state filter_state/native filter_state/native/deeper filter_state/none native node.id cluster_name
  metadata metadata/none
  plugin_name plugin_root_id plugin_vm_id nothing nothing/at/all request source`.split(/\s+/);

const has = (phase: string): string => PROPERTIES.map((path) => `${phase}:has,${path}`).join(';');
const VALUES = ['request/path', 'request/url_path', 'request/query', 'request/host', 'request/method', 'request/id']
  .concat([
    'request/scheme',
    'request/useragent',
    'request/headers/x-a',
    'filter_state/native',
    'xds/route_name',
    'metadata',
  ])
  .map((path) => `rq:property,${path};lg:property,${path}`)
  .join(';');

const REPEATED = ['x-role', 'accept', 'cookie', 'user-agent', 'authorization', 'content-type', 'via', 'x-request-id']
  .concat(['referer', 'range', 'accept-language', 'x-forwarded-for', 'cache-control', 'x-forwarded-client-cert'])
  .flatMap((name) => [[name, `${name}-1`] as const, [name, `${name}-2`] as const])
  .filter(([name]) => name !== 'x-forwarded-client-cert');

export const CASES: readonly ParityCase[] = [
  { label: 'plain', steps: PAIRS },
  { label: 'repeated', steps: `${PAIRS};rq:get,0,x-role;rq:get,0,accept;rq:size,0`, headers: REPEATED },
  {
    label: 'repeated-empty',
    steps: PAIRS,
    headers: ['user-agent', 'accept', 'referer', 'x-role'].flatMap((name, i) =>
      [['', 'a'] as const, ['a', ''] as const, ['a', '', 'b'] as const, ['', ''] as const][i]!.map(
        (value) => [name, value] as const,
      ),
    ),
  },
  {
    label: 'reads',
    steps:
      'rq:get,0,:path;rq:get,0,X-A;rq:get,0,x-empty;rq:get,0,x-none;rq:get,2,:status;rq:get,1,x;rq:get,9,x;rq:pairs,2;' +
      'rq:pairs,1;rq:pairs,9;rq:size,0;rq:size,2;rs:get,0,:path;rs:get,2,:status;rs:pairs,0;lg:get,0,:path;lg:get,3,x;lg:size,0',
    headers: [
      ['x-a', 'one'],
      ['x-empty', ''],
    ],
  },
  {
    label: 'changes',
    steps:
      'rq:replace,0,x-a,new;rq:add,0,user-agent,more;rq:add,0,x-a,z;rq:remove,0,x-b;rq:add,0,x-c,;rq:pairs,0;' +
      'rq:replace,0,:path,/other?b;rq:property,request/path;rq:property,request/url_path;rq:replace,2,x,y;rq:add,9,x,y;' +
      'rs:add,2,x-up,2;rs:add,2,vary,a;rs:add,2,vary,b;rs:remove,2,x-gone;rs:replace,2,x-new,1;rs:pairs,2;rs:add,0,x,y;' +
      'lg:pairs,0;lg:add,0,x,y;lg:add,2,x,y',
    headers: [
      ['x-a', '1'],
      ['x-a', '2'],
      ['x-b', '3'],
      ['user-agent', 'u'],
    ],
  },
  {
    label: 'reply',
    steps: 'rq:reply,403,why,no,-1,x-y,z;rs:pairs,0;rs:pairs,2;rs:replace,2,x-y,q;sb:body,1,0,99;lg:pairs,2',
  },
  { label: 'reply-typed', steps: 'rq:reply,500,why,<b>,-1,content-type,text/html;rs:pairs,2' },
  { label: 'reply-empty', steps: 'rq:reply,204,why,,-1;rs:pairs,2;lg:property,response/code_details' },
  { label: 'reply-head', method: 'HEAD', steps: 'rq:reply,403,why,no,-1;rs:pairs,2' },
  { label: 'reply-two', steps: 'rq:reply,403,first,1,-1;rq:reply,404,second,2,-1;rs:pairs,2' },
  { label: 'reply-again', steps: 'rq:reply,403,first,1,-1;rs:reply,500,third,3,-1;rs:pairs,2' },
  {
    label: 'reply-twice',
    steps: 'rq:reply,403,first,1,-1;rq:reply,404,second,2,-1;rs:reply,500,third,3,-1;rs:pairs,2',
  },
  {
    label: 'reply-late',
    steps: 'rs:reply,418,det,body,-1,a,b;rs:pairs,2;lg:pairs,2;lg:property,response/code_details',
  },
  ...['application/grpc', 'application/grpc+proto', 'application/grpc-web', 'application/grpcx'].map((type, i) => ({
    label: `grpc-${i}`,
    method: 'POST',
    headers: [['content-type', type] as const],
    steps: 'rq:reply,403,why,no %,-1,x-y,z;rs:pairs,2',
  })),
  {
    label: 'grpc-status',
    method: 'POST',
    headers: [['content-type', 'application/grpc']],
    steps: 'rq:reply,503,why,,9;rs:pairs,2',
  },
  { label: 'tick', steps: 'rq:pause-until-tick;tk:pairs,0;tk:continue,0;tk:pairs,0' },
  { label: 'tick-change', steps: 'rq:pause-until-tick;tk:replace,0,x-late,1;tk:continue,0' },
  { label: 'tick-reply', steps: 'rq:pause-until-tick;tk:reply,418,late,body,-1;rs:pairs,0' },
  { label: 'tick-body', method: 'POST', body: 'hello', steps: 'rq:pause-until-tick;tk:continue,0;rb:body,0,0,99' },
  {
    label: 'body',
    method: 'POST',
    body: 'hello',
    steps:
      'rb:body,0,0,99;rb:body,0,2,2;rb:body,0,9,2;rb:body-status,0;rb:body,7,0,99;rb:body,1,0,9;rb:body,9,0,9;' +
      'rb:body-set,1,0,0,x;sb:body,1,0,99;sb:body,0,0,9',
  },
  {
    label: 'body-change',
    method: 'POST',
    body: 'hello',
    headers: [['transfer-encoding', 'chunked']],
    steps:
      'rb:body-set,0,0,0,<;rb:body-set,0,99,0,>;rb:body,0,0,99;rs:remove,2,content-length;sb:body-set,1,0,99,new;sb:body,1,0,99',
  },
  {
    label: 'body-prefix',
    method: 'POST',
    body: 'hello',
    headers: [['transfer-encoding', 'chunked']],
    steps: 'rb:body-set,0,0,2,J;rb:body-set,0,1,1,x;rb:body,0,0,99',
  },
  { label: 'close', steps: 'rq:close,0' },
  {
    label: 'metrics',
    steps:
      'rq:metric,0,c,2,3;rq:metric,1,g,2,7;rq:metric,2,h,1,7;rq:metric,3,x,1,1;rq:metric,0,c,-1,3;rq:metric,1,g,-4,9;rq:metric,0,d,0,0',
  },
  {
    label: 'state',
    steps:
      'rq:write,foo,bar;rq:property,foo;rq:property,filter_state/wasm.foo;rs:property,filter_state/wasm.foo;lg:property,foo;' +
      'rq:share,k,v;rq:shared,k;rq:share,k,w,77;rq:shared,none;rq:foreign,clear_route_cache;rq:foreign,nope;rq:enter,99;rq:level;' +
      'lg:write,foo,late',
  },
  {
    label: 'properties',
    steps: `${has('rq')};${has('rs')};${has('lg')};${VALUES}`,
    headers: [
      ['x-a', 'one'],
      ['user-agent', 'test'],
      ['x-request-id', 'id-1'],
    ],
  },
  { label: 'unstopped-body', method: 'POST', body: 'hello', steps: 'rb:reply,403,why,no,-1;rs:pairs,2' },
  { label: 'method', method: 'DELETE', steps: PAIRS },
];

/** Run last, one after the other: a trap takes the VM, and Envoy makes the next one only after a pause. */
export const TRAPS: readonly ParityCase[] = [
  { label: 'trap-request', steps: 'rq:trap;rs:pairs,2;lg:pairs,2' },
  { label: 'trap-response', steps: 'rq:pairs,2;rs:trap;lg:pairs,2' },
  { label: 'trap-log', steps: 'rq:pairs,2;lg:trap' },
  { label: 'after-traps', steps: PAIRS },
];
