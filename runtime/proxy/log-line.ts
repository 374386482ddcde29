export type LogLevel = 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'critical';

/** One line of Envoy's log. */
export interface LogLine {
  readonly level: LogLevel;
  /** Envoy's name of the component: `config`, `wasm`, `upstream`; `output` for a line in another form (an access log). */
  readonly logger: string;
  readonly message: string;
  /** ISO 8601, as Envoy wrote it; absent for `output`. */
  readonly time?: string;
}

/** For `--log-format`: fields parted by tabs, which do not occur in the first three. */
export const LOG_FORMAT = '%Y-%m-%dT%T.%e%z\t%l\t%n\t%v';

export function parseLogLine(line: string): LogLine {
  const [, time, level, logger, message] =
    /^(\d{4}-\d\d-\d\dT[\d:.]+[+-][\d:]+)\t(trace|debug|info|warning|error|critical)\t([^\t]*)\t(.*)$/.exec(line) ?? [];
  if (time === undefined || level === undefined || logger === undefined || message === undefined) {
    return { level: 'info', logger: 'output', message: line };
  }
  return { level: level as LogLevel, logger, message, time };
}
