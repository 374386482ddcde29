// Authorization: decides every request, and every TCP connection, by the program of its service port; or, by a program
// of CUSTOM rules, says who else is to be asked about the request. Fails closed: without a program, or when something it
// depends on cannot be read, it denies.

import { AUTHZ_CLOSED, AUTHZ_CUSTOM } from '../abi/authz.ts';
import { ACTION_CONTINUE, ACTION_PAUSE, LOG_WARN } from '../abi/proxy.ts';
import { Feature, install } from '../sdk/feature.ts';
import { put, say } from '../sdk/log.ts';
import { Program } from '../sdk/program.ts';
import { Root } from '../sdk/root.ts';
import { Stream } from '../sdk/stream.ts';
import { closeDownstream } from '../sdk/tcp.ts';
import { text } from '../sdk/text.ts';
import { callProviders, wereAsked } from './custom.ts';
import { denyRequest, denyWithoutProgram } from './denial.ts';
import { decidedRule, isAllowed } from './evaluate.ts';
import { OpenProgram, openProgram } from './program.ts';

export * from '../sdk/plugin';
export { proxy_on_context_create } from '../sdk/passing';
export { proxy_on_request_headers } from '../sdk/http';
export { proxy_on_new_connection } from '../sdk/tcp';

const CLOSED = text('everything is denied: a policy for this target could not be understood');

let explaining: bool = false;

/**
 * The rule that decided the last request, by its number in the rule table of its program; -1: none did. To be asked
 * before its root is deleted. For `explain` and tests.
 */
export function portolan_decision(): i32 {
  return decidedRule();
}

/** From now on the ALLOW rule that is named is the first that holds, not any: for `explain`, at more cost. */
export function portolan_explain(on: i32): void {
  explaining = on != 0;
}

class Authz extends Feature {
  open(program: Program, root: Root): bool {
    if (!openProgram(program)) return false;
    if ((program.flags & AUTHZ_CLOSED) != 0) {
      put(CLOSED);
      say(LOG_WARN);
    }
    return true;
  }

  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    const state = stream.program.state;
    if (state == 0) {
      denyWithoutProgram();
      return ACTION_PAUSE;
    }
    const program = changetype<OpenProgram>(state);
    if ((program.flags & AUTHZ_CUSTOM) != 0) {
      if (callProviders(program)) return ACTION_CONTINUE;
      denyWithoutProgram();
      return ACTION_PAUSE;
    }
    if (!isAllowed(program, explaining)) denyRequest(program, decidedRule());
    else if (wereAsked(program)) return ACTION_CONTINUE;
    else denyWithoutProgram();
    return ACTION_PAUSE;
  }

  onConnection(stream: Stream): u32 {
    const state = stream.program.state;
    if (state != 0 && isAllowed(changetype<OpenProgram>(state), explaining)) return ACTION_CONTINUE;
    closeDownstream();
    return ACTION_PAUSE;
  }
}

install(new Authz());
