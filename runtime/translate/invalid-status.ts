import type { Condition, ParentStatus, ResourceStatus } from '#model/status.ts';
import type { GatewayClass } from '#resources/gateway-class.ts';
import { parentReference } from '#resources/reference.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { type Infer, Report } from '#resources/schema.ts';
import { condition, resourceStatus } from './condition.ts';
import { roleOfClass } from './gateway-class.ts';
import type { Gateways } from './gateways.ts';
import type { TranslateOptions } from './options.ts';
import { parentName } from './route-parent.ts';

/** As many as a valid route or Gateway may have; the rest of a list that is longer is not looked at. */
const MAX_PARENTS = 32;
const MAX_LISTENERS = 64;

/**
 * Statuses of resources that were never valid, for the kinds whose status is ours to give; policies have a step of
 * their own. What was written says for whom they were meant, and is believed no further: a parent or listener that
 * cannot be read by itself has no entry, and where none can, only the findings say what is wrong.
 */
export function invalidStatus(
  resource: InvalidResource,
  gateways: Gateways,
  classes: ReadonlyMap<string, GatewayClass>,
  options: TranslateOptions,
): readonly ResourceStatus[] {
  switch (resource.ref.kind) {
    case 'HTTPRoute':
      return routeStatus(resource, gateways);
    case 'Gateway':
      return gatewayStatus(resource, classes, options);
    default:
      return [];
  }
}

/** Nothing else of the route is judged, so that nothing else has a condition. */
function routeStatus(resource: InvalidResource, gateways: Gateways): readonly ResourceStatus[] {
  const { ref } = resource;
  const conditions: readonly Condition[] = [condition('Accepted', false, 'UnsupportedValue', messageOf(resource))];
  const parents = listOf(specOf(resource)['parentRefs'], MAX_PARENTS).flatMap((written): readonly ParentStatus[] => {
    const parent = readParent(written);
    if (parent === undefined || !isOurs(parent, ref.namespace, gateways)) return [];
    return [{ parent: parentName(parent, ref.namespace), conditions }];
  });
  return parents.length === 0 ? [] : [resourceStatus(ref, { parents })];
}

type ParentRef = Infer<typeof parentReference>;

function readParent(written: unknown): ParentRef | undefined {
  const report = new Report();
  const parent = parentReference.read(written, report);
  return report.errors === 0 ? parent : undefined;
}

/** A Gateway of another controller has its status from there. */
function isOurs({ group, kind, namespace, name }: ParentRef, home: string, gateways: Gateways): boolean {
  if (kind !== 'Gateway' || group !== 'gateway.networking.k8s.io') return true;
  const key = `${namespace ?? home}/${name}`;
  return gateways.waypoints.has(key) || gateways.ingresses.has(key);
}

function gatewayStatus(
  resource: InvalidResource,
  classes: ReadonlyMap<string, GatewayClass>,
  options: TranslateOptions,
): readonly ResourceStatus[] {
  const spec = specOf(resource);
  const className = spec['gatewayClassName'];
  // A class that cannot be read is nobody's.
  if (typeof className !== 'string' || roleOfClass(className, classes, options) === undefined) return [];
  const message = messageOf(resource);
  const conditions = [
    condition('Accepted', false, 'Invalid', message),
    condition('Programmed', false, 'Invalid', message),
  ];
  const listeners = listOf(spec['listeners'], MAX_LISTENERS).flatMap((listener) => {
    const name = fieldsOf(listener)['name'];
    return typeof name === 'string' && name !== '' ? [{ name, conditions, attachedRoutes: 0 }] : [];
  });
  return [resourceStatus(resource.ref, { conditions, listeners })];
}

/** The first error, with its place: what was written may be right in all other respects. */
function messageOf({ findings }: InvalidResource): string {
  const finding = findings.find(({ level }) => level === 'error') ?? findings[0];
  if (finding === undefined) return 'The resource is not valid';
  return finding.path === '' ? finding.message : `${finding.path}: ${finding.message}`;
}

type Raw = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {});
const specOf = ({ raw }: InvalidResource): Raw => fieldsOf(fieldsOf(raw)['spec']);
const listOf = (value: unknown, most: number): readonly unknown[] => (Array.isArray(value) ? value.slice(0, most) : []);
