import type { Terminal } from '../terminal.ts';
import { VERSION } from '../version.ts';
import type { Mesh } from './mesh.ts';

/** Says what is in service, once it is. */
export function announce(mesh: Mesh, terminal: Terminal, ms: number): void {
  if (terminal.quiet) return;
  const { model } = mesh.running.world();
  const waypoints = mesh.running.waypoints();
  terminal.err(`portolan ${VERSION} ready in ${(ms / 1000).toFixed(1)} s\n`);
  for (const { namespace, name, address, page, envoy } of waypoints) {
    const found = model.waypoints.find((one) => one.namespace === namespace && one.name === name);
    const services = new Set(found?.ports.map((port) => port.service.host)).size;
    const where = `${address.host}:${address.port}`;
    terminal.err(
      `  waypoint ${namespace}/${name}  ${where}  ${services} services, ${found?.workloads.length ?? 0} workloads` +
        `  metrics ${page ?? 'none'}/stats/prometheus  ${envoy === undefined ? 'Envoy is started elsewhere' : `envoy ${envoy}`}\n`,
    );
  }
  if (waypoints.length === 0) {
    terminal.err(
      '  no waypoint is described by these files yet: a Gateway of class portolan with an HBONE listener makes one\n',
    );
  }
}
