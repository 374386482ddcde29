import type { RunOf } from './command.ts';
import type { ztunnelPolicy } from './commands/ztunnel-policy.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';
import { jsonText, yamlText } from './render/document.ts';
import { shortFinding } from './render/finding.ts';
import { place, readWorld, waypointName } from './world.ts';

export const run: RunOf<typeof ztunnelPolicy> = async ({ values, positionals, terminal }) => {
  const paths = [...values.file, ...positionals];
  if (paths.length === 0) {
    throw usage('ztunnel-policy needs something to read', {
      expected: 'files, folders or "-"',
      next: 'portolan ztunnel-policy -f mesh/',
    });
  }
  const only = values.waypoint === undefined ? undefined : waypointName(values.waypoint);
  const [{ resources }, { ztunnelPolicies }] = await Promise.all([
    readWorld(paths, values['trust-domain'], terminal),
    import('#translate/ztunnel-policy.ts'),
  ]);
  const { policies, findings } = ztunnelPolicies(resources, {
    trustDomain: values['trust-domain'],
    ...(values.namespace === undefined ? {} : { namespace: values.namespace }),
    ...(only === undefined ? {} : { waypoint: `${only.namespace}/${only.name}` }),
  });
  if (!terminal.quiet) for (const finding of place(resources, findings)) terminal.err(shortFinding(finding));
  if (values.json) terminal.out(jsonText({ apiVersion: 'v1', kind: 'List', items: policies }));
  else terminal.out(policies.map((policy) => yamlText(policy)).join('---\n'));
  return EXIT.ok;
};
