import { create } from '@bufbuild/protobuf';
import { ComparisonFilter_Op } from '#gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { HeaderValueOption_HeaderAppendAction, HeaderValueOptionSchema } from '#gen/envoy/config/core/v3/base_pb.ts';
import {
  LocalReplyConfigSchema,
  type LocalReplyConfig,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { DENIED_DETAILS } from './denial-log.ts';
import { all, expression, statusIs } from './log-filter.ts';
import { PEER_PRINCIPAL } from './names.ts';

/** A caller, or all whose identity begins so. */
export interface CallerMatch {
  readonly kind: 'exact' | 'prefix';
  readonly value: string;
}

/** What tells a caller of a debug group why it was denied. */
export const DENIED_HEADER = 'x-portolan-denied';

/**
 * What is added to answers that Envoy makes itself; those of applications pass as they are. A refused caller gets the
 * id by which the waypoint's owner finds the request, and whoever is in the debug group the rule that denied it:
 * policies tell much about a mesh, so nobody else may see them.
 */
export function localReplies(group: readonly CallerMatch[] | undefined): LocalReplyConfig {
  const refused = { filter: statusIs(400, ComparisonFilter_Op.GE), headersToAdd: [REQUEST_ID] };
  if (group === undefined || group.length === 0) return create(LocalReplyConfigSchema, { mappers: [refused] });
  const denied = (details: string, told: string) => ({
    filter: all(
      statusIs(403, ComparisonFilter_Op.EQ),
      expression(`${details} && (${group.map(isCaller).join(' || ')})`),
    ),
    headersToAdd: [REQUEST_ID, header(DENIED_HEADER, told)],
  });
  return create(LocalReplyConfigSchema, {
    mappers: [
      denied(`response.code_details == '${DENIED_DETAILS}none]'`, 'no rule allows it'),
      denied(`response.code_details.startsWith('${DENIED_DETAILS}')`, '%RESPONSE_CODE_DETAILS%'),
      refused,
    ],
  });
}

const header = (key: string, value: string) =>
  create(HeaderValueOptionSchema, {
    header: { key, value },
    appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  });

const REQUEST_ID = header('x-request-id', '%REQ(X-REQUEST-ID):128%');

/** Identities hold no quote and no backslash: who gives the group sees to that. */
const isCaller = ({ kind, value }: CallerMatch): string => {
  const caller = `string(filter_state['${PEER_PRINCIPAL}'])`;
  return kind === 'exact' ? `${caller} == '${value}'` : `${caller}.startsWith('${value}')`;
};
