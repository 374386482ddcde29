import type { NameFormat } from './metadata.ts';
import type { Schema } from './schema/schema.ts';

/** How one kind is read. */
export interface KindDefinition<Kind extends string = string> {
  readonly kind: Kind;
  /** Empty for the core group. */
  readonly group: string;
  /** The versions we read; they have one schema. The preferred one is first. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  readonly name: NameFormat;
  /** Only the resource of this name is read; others of the kind are no concern of a waypoint. */
  readonly only?: string;
  /** All top-level fields but apiVersion, kind and metadata. */
  readonly body: Schema<object>;
  /** The API has no `spec`: what `body` reads becomes ours. */
  readonly bodyIsSpec?: true;
}
