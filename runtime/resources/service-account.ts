import type { KindDefinition } from './kind.ts';
import type { ResourceHead } from './resource.ts';
import * as s from './schema.ts';

export type ServiceAccount = ResourceHead<'ServiceAccount'>;

export const serviceAccount = {
  kind: 'ServiceAccount',
  group: '',
  versions: ['v1'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({
    automountServiceAccountToken: s.ignored(),
    imagePullSecrets: s.ignored(),
    secrets: s.ignored(),
  }),
} satisfies KindDefinition<'ServiceAccount'>;
