import { istioDuration } from './duration.ts';
import * as s from './schema.ts';

/** Istio's Percent: a double from 0 to 100, kept to a millionth. */
const percentage = s.object({ value: s.withDefault(s.number(0, 100), 0) });

const delay = s.object({
  fixedDelay: s.string({ format: istioDuration }),
  /** Absent: every request. */
  percentage,
  /** The older form, a whole number; `percentage` wins. */
  percent: s.integer(0, 100),
  exponentialDelay: s.unsupported(s.anything(), 'delay.exponentialDelay', { effect: 'no request is delayed' }),
});

const abort = s.object({
  httpStatus: s.integer(200, 599),
  /** Absent: every request. */
  percentage,
  percent: s.integer(0, 100),
  grpcStatus: s.unsupported(s.string(), 'abort.grpcStatus', { effect: 'no request is aborted' }),
  http2Error: s.unsupported(s.string(), 'abort.http2Error', { effect: 'no request is aborted' }),
});

/** HTTPFaultInjection. */
export const fault = s.check(s.object({ delay: s.check(delay, delayGiven), abort }), (read, report) => {
  if (read.delay !== undefined || read.abort !== undefined) return;
  report.add({ code: 'PTL1105', level: 'error', message: 'a fault needs a delay or an abort' });
});

function delayGiven({ fixedDelay }: s.Infer<typeof delay>, report: s.Report): void {
  if (fixedDelay === undefined || !/^0*(?:\.0*)?[a-zµ]*$/.test(fixedDelay)) return;
  report.add(
    { code: 'PTL1104', level: 'error', message: 'a delay must be longer than nothing', came: fixedDelay },
    'fixedDelay',
  );
}

export type VirtualServiceFault = s.Infer<typeof fault>;
