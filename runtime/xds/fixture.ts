import type { XdsResource, XdsSnapshot } from '#envoy/resource.ts';
import { parseNodeId, type NodeId } from './node.ts';

// Small snapshots for the tests of streams.

const node = parseNodeId('waypoint~bookinfo/waypoint~1');
if ('problem' in node) throw new Error(node.problem);

export const NODE: NodeId = node;

/** What every resource here holds. */
export const BYTES = new Uint8Array([1, 2, 3]);

/** `{[CLUSTER]: 'a1 b2'}`: cluster a at version 1, b at version 2. */
export function world(types: Readonly<Record<string, string>>): XdsSnapshot {
  return new Map(
    Object.entries(types).map(([typeUrl, list]) => [
      typeUrl,
      new Map(
        list
          .split(' ')
          .filter((item) => item !== '')
          .map((item): [string, XdsResource] => [
            item.slice(0, -1),
            { typeUrl, name: item.slice(0, -1), version: item.slice(-1), value: BYTES },
          ]),
      ),
    ]),
  );
}
