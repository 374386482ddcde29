import type { KindDefinition } from './kind.ts';
import type { ResourceHead } from './resource.ts';
import * as s from './schema.ts';

export type Namespace = ResourceHead<'Namespace'>;

export const namespace = {
  kind: 'Namespace',
  group: '',
  versions: ['v1'],
  namespaced: false,
  name: 'label',
  body: s.object({ spec: s.ignored(), status: s.ignored() }),
} satisfies KindDefinition<'Namespace'>;
