/** Who opened a stream, as its node id says. */
export interface NodeId {
  /** The whole id: `waypoint~bookinfo/waypoint~a1b2c3`. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** Tells the replicas of one waypoint apart. */
  readonly instance: string;
  /** `bookinfo/waypoint`: which snapshot the node is served. */
  readonly key: string;
}

/** Long enough for two DNS labels of 253 and an instance; an id beyond it is no mistake. */
const MAX_LENGTH = 640;

const LABEL = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?';
const FORM = new RegExp(`^waypoint~(${LABEL})/(${LABEL})~([A-Za-z0-9][-A-Za-z0-9._:]{0,127})$`);

/**
 * Reads `waypoint~<namespace>/<name>~<instance>`. Both names are DNS labels, so that a key made of them is neither a
 * path nor a name that JavaScript gives a meaning to.
 * @returns the node, or why the text is not one, in one line that quotes no more than 80 characters of it.
 */
export function parseNodeId(id: string): NodeId | { readonly problem: string } {
  const match = id.length > MAX_LENGTH ? null : FORM.exec(id);
  const [, namespace, name, instance] = match ?? [];
  if (namespace === undefined || name === undefined || instance === undefined) {
    const came = id === '' ? 'none' : JSON.stringify(id.length > 80 ? `${id.slice(0, 80)}…` : id);
    return { problem: `expected a node id waypoint~<namespace>/<name>~<instance>, came ${came}` };
  }
  return { id, namespace, name, instance, key: `${namespace}/${name}` };
}
