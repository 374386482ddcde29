import { propertiesOf } from '#cli/explain/properties.ts';
import { Host, type Root, type Vm } from '#host/emulator.ts';
import { HeaderMap } from '#host/headers.ts';
import type { AuthzDecision, AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { compileAuthz } from '#policy/authz/compile.ts';
import { openAuthz } from '#policy/authz/decode.ts';
import { decidedRule } from '#policy/authz/disassemble.ts';

/** The authorization filter, compiled, in the host: what a real waypoint decides with. */
export class AuthzFilter {
  readonly #vm: Vm;
  #root: Root | undefined;
  #program: Uint8Array | undefined;
  #explains = false;

  private constructor(vm: Vm) {
    this.#vm = vm;
  }

  static async load(module: Uint8Array): Promise<AuthzFilter> {
    return new AuthzFilter(await Host.load(module, { vmId: 'authz' }));
  }

  /**
   * Puts a set into force for one port of one service; undefined: known only with the request. When it explains, an
   * allowing rule is named too; without, it stops at any.
   */
  use(
    set: AuthzPolicySet,
    target: { readonly port: number; readonly address: string } | undefined,
    explains = false,
  ): void {
    this.#explains = explains;
    const addresses = target ? [target.address] : [];
    const program = compileAuthz(set, { port: target?.port ?? 0, addresses, protocol: 'http' });
    this.#program = program;
    this.#root?.retire();
    this.#root = program && this.#vm.configure({ rootId: 'authz', pluginConfig: program });
  }

  /** What becomes of a request; the deciding rule is known for a denial only, from the details of the reply. */
  decide(request: AuthzRequest): AuthzDecision {
    if (!this.#root) return { allowed: true };
    this.#vm.exported('portolan_explain', this.#explains ? 1 : 0);
    const stream = this.#root.request({
      headers: [
        [':authority', request.host],
        [':path', request.path],
        [':method', request.method],
        [':scheme', 'http'],
        ...request.headers,
      ],
      properties: propertiesOf(request),
    });
    const { action, reply } = stream;
    stream.end();
    if (this.#vm.traps > 0)
      throw new Error(`the filter trapped: ${this.#vm.logs.map((line) => line.message).join('\n')}`);
    if (action === 'continue') return { allowed: true, ...this.#allowingRule() };
    if (reply?.status !== 403) throw new Error(`expected 403, came ${action} ${reply?.status} ${reply?.details}`);
    const policy = decidingRule(reply.details);
    return { allowed: false, ...(policy && { policy }) };
  }

  #allowingRule(): Pick<AuthzDecision, 'policy'> {
    if (!this.#explains || !this.#program) return {};
    const rule = decidedRule(openAuthz(this.#program), this.#vm.exported('portolan_decision') ?? -1);
    return rule ? { policy: { namespace: rule.namespace, name: rule.name, rule: rule.index } } : {};
  }
}

/** The request as Envoy's connection manager has it when filters run: with the lines joined that it joins. */
export function asReceived(request: AuthzRequest): AuthzRequest {
  return { ...request, headers: new HeaderMap('request', request.headers).entries };
}

/** The rule in Envoy's wording: `rbac_access_denied_matched_policy[ns[foo]-policy[p]-rule[0]]`. */
export function decidingRule(details: string): AuthzDecision['policy'] | undefined {
  const match = /^rbac_access_denied_matched_policy\[ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]\]$/.exec(details);
  if (!match) return undefined;
  return { namespace: match[1] ?? '', name: match[2] ?? '', rule: Number(match[3]) };
}
