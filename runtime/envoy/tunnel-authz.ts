import type { HttpFilter } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import { compileAuthz } from '#policy/authz/compile.ts';
import { authzFilter } from './filter.ts';
import { CONNECT_TERMINATE, filterName } from './names.ts';
import type { EmitOptions } from './options.ts';
import { httpProgram } from './program.ts';
import type { XdsResource } from './resource.ts';

// Authorization of tunnels at the listener that ends them. The program is discovered, as everywhere: inside the listener
// it would not reach connections that callers have open, and callers keep theirs for hours.

/** A waypoint's own port: what `ports` of a policy that selects the waypoint means. */
const HBONE_PORT = 15008;

export const tunnelAuthzFilter = (): HttpFilter => authzFilter(CONNECT_TERMINATE);

/** A CONNECT has no HTTP that a policy could mean: it is judged as a connection is. */
export function tunnelProgram(set: AuthzPolicySet, { modules }: EmitOptions): XdsResource {
  const program = compileAuthz(set, { port: HBONE_PORT, addresses: [], protocol: 'tcp' });
  return httpProgram(filterName('authz', CONNECT_TERMINATE), 'authz', modules.authz, program);
}
