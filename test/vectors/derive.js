// Makes istio-authz.json of the full vectors: `node test/vectors/derive.js FULL.json`. README.md says what they are.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The signed token is left out: a request has the claims that it was made of. */
function request(written) {
  const { jwt: _, ...rest } = written;
  return rest;
}

const full = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sets = full.sets.map(({ id, policies, requests }) => ({ id, policies, requests: requests.map(request) }));
const count = sets.reduce((sum, { requests }) => sum + requests.length, 0);
const about = `${full.about}; ${sets.length} sets with ${count} requests`;
// A policy or request a line, so that a difference can be read.
const lines = (items) => items.map((item) => `    ${JSON.stringify(item)}`).join(',\n');
const texts = sets.map(
  ({ id, policies, requests }) =>
    `  {"id": "${id}",\n   "policies": [\n${lines(policies)}\n   ],\n   "requests": [\n${lines(requests)}\n   ]}`,
);
const text = `{"about": ${JSON.stringify(about)},\n"sets": [\n${texts.join(',\n')}\n]}\n`;
writeFileSync(join(import.meta.dirname, 'istio-authz.json'), text);
console.log(about);
