import { setup } from './setup.ts';

const [source, target] = process.argv.slice(2);
if (source === undefined || target === undefined) throw new Error('usage: compose-setup <manifests> <volume>');
await setup(source, target);
