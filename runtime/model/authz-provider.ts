import type { ExtensionProvider } from './extension-provider.ts';

/** An external authorizer that can be asked: its settings, and the way to it. */
export interface AuthzProvider {
  readonly settings: ExtensionProvider;
  /** Of its service, without the namespace: the authority of what it is asked. */
  readonly host: string;
  /** Name of the Backend that answers; undefined: no service of the mesh, so its host is looked up by DNS. */
  readonly backend: string | undefined;
}
