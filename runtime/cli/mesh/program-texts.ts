import type { ProgramText } from '#admin/api.ts';
import { filterName, portName, tcpFilterName } from '#envoy/names.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { disassemble as disassembleAuthz } from '#policy/authz/disassemble.ts';
import { disassemble as disassembleFault } from '#policy/fault/disassemble.ts';
import { compilePrograms } from '#policy/index.ts';
import { disassemble as disassembleMetrics } from '#policy/metrics/disassemble.ts';
import { disassemble as disassembleRouting } from '#policy/routing/disassemble.ts';

/** Every program of a waypoint as text, in the order of its ports. */
export const programTexts = (waypoint: Waypoint): readonly ProgramText[] =>
  waypoint.ports.flatMap((port) => {
    const target = portName(port);
    const { authz, authzTcp, routing, fault, metrics } = compilePrograms(port);
    return [
      { name: filterName('authz', target), text: authz && disassembleAuthz(authz) },
      { name: tcpFilterName(target), text: authzTcp && disassembleAuthz(authzTcp) },
      { name: filterName('routing', target), text: routing && disassembleRouting(routing) },
      { name: filterName('fault', target), text: fault && disassembleFault(fault) },
      { name: filterName('metrics', target), text: metrics && disassembleMetrics(metrics) },
    ].flatMap(({ name, text }) => (text === undefined ? [] : [{ name, text }]));
  });
