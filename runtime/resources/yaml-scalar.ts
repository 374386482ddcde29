import { type ScalarTag, type Tags } from 'yaml';

// Plain scalars as kubectl reads them (sigs.k8s.io/yaml): YAML 1.1 spellings of booleans are booleans, underscores and
// 0x, 0o, 0b and leading-zero octals are integers; there are no sexagesimals, and timestamps stay text.

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^[-+]?(?:0|[1-9][0-9_]*|0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/;
const SPECIAL = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

const bool: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  identify: (value) => typeof value === 'boolean',
  test: new RegExp(`${TRUE.source}|${FALSE.source}`),
  resolve: (text) => TRUE.test(text),
};

const nothing: ScalarTag = {
  tag: 'tag:yaml.org,2002:null',
  default: true,
  identify: (value) => value === null,
  test: /^(?:~|null|Null|NULL)?$/,
  resolve: () => null,
};

const integer: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  identify: (value) => typeof value === 'number',
  test: INTEGER,
  resolve: (text) => readInteger(text),
};

const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => typeof value === 'number',
  test: new RegExp(`${FLOAT.source}|${SPECIAL.source}`),
  resolve: (text) => readFloat(text),
};

/** For the `customTags` of the yaml package, on top of its `failsafe` schema. */
export const kubectlScalars: Tags = [nothing, bool, integer, float];

function readInteger(text: string): number {
  const plain = text.replaceAll('_', '');
  const negative = plain.startsWith('-');
  const digits = plain.replace(/^[-+]/, '');
  const octal = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = Number(octal);
  return negative ? -value : value;
}

function readFloat(text: string): number {
  if (!SPECIAL.test(text)) return Number(text.replaceAll('_', ''));
  if (text.toLowerCase() === '.nan') return Number.NaN;
  return text.startsWith('-') ? -Infinity : Infinity;
}
