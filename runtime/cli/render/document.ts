import { stringify } from 'yaml';

export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** YAML without aliases and folding, so that each line stands for itself in a comparison. */
export const yamlText = (value: unknown): string =>
  stringify(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false, lineWidth: 0 });
