import { AUTHZ_CLOSED, AUTHZ_POLICIES, AUTHZ_RULE_TABLE, POLICY_SIZE, RULE_SIZE } from '../abi/authz.ts';
import { GRPC_STATUS_NONE } from '../abi/proxy.ts';
import { writeDecimal } from '../sdk/decimal.ts';
import { allocate } from '../sdk/memory.ts';
import { reply } from '../sdk/reply.ts';
import { text } from '../sdk/text.ts';
import { OpenProgram } from './program.ts';

const FORBIDDEN: u32 = 403;
const BODY = text('RBAC: access denied');
const BAD_REQUEST: u32 = 400;
const REPEATED = text('repeated_policy_header');
const REPEATED_BODY = text('Bad Request');
const NONE = text('rbac_access_denied_matched_policy[none]');
const MATCHED = text('rbac_access_denied_matched_policy[');
const END = text(']]');

/**
 * Answers 403 with Envoy's words for it; `rule` is the DENY rule that held, or negative. A gRPC request gets
 * PERMISSION_DENIED: Envoy makes that of 403 by itself.
 */
export function denyRequest(program: OpenProgram, rule: i32): void {
  if (rule < 0 || (program.flags & AUTHZ_CLOSED) != 0) {
    reply(FORBIDDEN, NONE.pointer, NONE.size, BODY, GRPC_STATUS_NONE);
    return;
  }
  const base = program.base;
  const record = base + load<u32>(base, AUTHZ_RULE_TABLE) + <usize>rule * RULE_SIZE;
  const policy = base + load<u32>(base, AUTHZ_POLICIES) + <usize>load<u32>(record) * POLICY_SIZE;
  const name = base + load<u32>(policy);
  const nameSize = load<u32>(policy, 4);
  const details = allocate(MATCHED.size + nameSize + 20 + END.size);
  let end = put(details, MATCHED.pointer, MATCHED.size);
  end = put(end, name, nameSize);
  end += writeDecimal(end, load<u32>(record, 4));
  end = put(end, END.pointer, END.size);
  reply(FORBIDDEN, details, <u32>(end - details), BODY, GRPC_STATUS_NONE);
}

function put(at: usize, pointer: usize, size: u32): usize {
  memory.copy(at, pointer, size);
  return at + size;
}

/** Answers 400 to a request with several lines of a header that a policy names. */
export function refuseRepeated(): void {
  reply(BAD_REQUEST, REPEATED.pointer, REPEATED.size, REPEATED_BODY, GRPC_STATUS_NONE);
}

/** Answers 403 where there is no program to say why. */
export function denyWithoutProgram(): void {
  reply(FORBIDDEN, NONE.pointer, NONE.size, BODY, GRPC_STATUS_NONE);
}
