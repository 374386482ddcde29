import { create } from '@bufbuild/protobuf';
import {
  AccessLogFilterSchema,
  type AccessLogFilter,
  type ComparisonFilter_Op,
} from '#gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { RuntimeUInt32Schema } from '#gen/envoy/config/core/v3/base_pb.ts';
import { ExpressionFilterSchema } from '#gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.ts';
import { any } from './any.ts';

/** All must hold, asked in this order. */
export const all = (...filters: AccessLogFilter[]): AccessLogFilter =>
  create(AccessLogFilterSchema, { filterSpecifier: { case: 'andFilter', value: { filters } } });

export const statusIs = (status: number, op: ComparisonFilter_Op): AccessLogFilter =>
  create(AccessLogFilterSchema, {
    filterSpecifier: {
      case: 'statusCodeFilter',
      value: {
        comparison: {
          op,
          value: create(RuntimeUInt32Schema, { defaultValue: status, runtimeKey: 'portolan.status' }),
        },
      },
    },
  });

/** Holds where an expression of CEL does; one that cannot be evaluated does not hold. */
export const expression = (text: string): AccessLogFilter =>
  create(AccessLogFilterSchema, {
    filterSpecifier: {
      case: 'extensionFilter',
      value: {
        name: 'envoy.access_loggers.extension_filters.cel',
        configType: {
          case: 'typedConfig',
          value: any(ExpressionFilterSchema, { expression: text, celConfig: { enableStringConversion: true } }),
        },
      },
    },
  });
