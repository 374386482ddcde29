import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { BytesValueSchema } from '@bufbuild/protobuf/wkt';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { JwtAuthenticationSchema } from '#gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts';
import { RBACSchema as HttpRbacSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { WasmSchema as HttpWasmSchema } from '#gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.ts';
import { RBACSchema as NetworkRbacSchema } from '#gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import { WasmSchema as NetworkWasmSchema } from '#gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.ts';
import { FailurePolicy, type PluginConfigSchema } from '#gen/envoy/extensions/wasm/v3/wasm_pb.ts';
import { any } from './any.ts';
import { duration, filled } from './encode.ts';
import type { Feature } from './names.ts';
import { EXTENSION, type XdsResource } from './resource.ts';
import { hole, holeBytes, template, type Template } from './template.ts';

const url = (schema: DescMessage): string => `type.googleapis.com/${schema.typeName}`;

/** What a discovered filter may turn out to be: ours, or the pass. */
export const HTTP_TYPES: readonly string[] = [url(HttpWasmSchema), url(HttpRbacSchema)];
export const AUTHN_TYPES: readonly string[] = [url(JwtAuthenticationSchema), url(HttpRbacSchema)];
export const NETWORK_TYPES: readonly string[] = [url(NetworkWasmSchema), url(NetworkRbacSchema)];

/**
 * The plugin that runs `program`. Each feature has a VM of its own, so that one that traps takes nobody with it; after
 * a trap the next request meets a fresh VM, and none is ever let past the filter.
 */
function plugin(
  feature: Feature | 'custom',
  module: string,
  program: Uint8Array,
): MessageInitShape<typeof PluginConfigSchema> {
  return {
    name: feature,
    rootId: feature,
    vm: {
      case: 'vmConfig',
      value: {
        vmId: `portolan.${feature}`,
        runtime: 'envoy.wasm.runtime.v8',
        code: { specifier: { case: 'local', value: { specifier: { case: 'filename', value: module } } } },
      },
    },
    configuration: any(BytesValueSchema, { value: program }),
    failurePolicy: FailurePolicy.FAIL_RELOAD,
    // Until the reload every request is answered 503; Envoy's own first wait is a second. (1 ms makes Envoy 1.40 crash.)
    reloadConfig: { backoff: { baseInterval: duration(10), maxInterval: duration(1_000) } },
  };
}

const config = <S extends DescMessage>(schema: S, init: MessageInitShape<S>): Template =>
  template(TypedExtensionConfigSchema, { name: hole(0), typedConfig: any(schema, init) });

const HTTP_PASS = config(HttpRbacSchema, {});
const TCP_PASS = config(NetworkRbacSchema, { statPrefix: 'pass' });

const httpPlugin = (feature: Feature | 'custom'): Template =>
  config(HttpWasmSchema, { config: plugin(feature, hole(1), holeBytes(2)) });

const HTTP_PLUGINS: Readonly<Record<Feature, Template>> = {
  authz: httpPlugin('authz'),
  routing: httpPlugin('routing'),
  fault: httpPlugin('fault'),
  metrics: httpPlugin('metrics'),
};
const CUSTOM_PLUGIN = httpPlugin('custom');
const TCP_PLUGIN = config(NetworkWasmSchema, { config: plugin('authz', hole(1), holeBytes(2)) });

/**
 * The ECDS resource of an HTTP filter: `program` run by the module in the file `module`. No program: stock RBAC without
 * rules, which lets everything pass and runs no VM.
 */
export const httpProgram = (
  name: string,
  feature: Feature,
  module: string,
  program: Uint8Array | undefined,
): XdsResource =>
  program === undefined
    ? filled(EXTENSION, name, HTTP_PASS, [name])
    : filled(EXTENSION, name, HTTP_PLUGINS[feature], [name, module, program]);

/** The ECDS resource of the filter that says whom a request is put to: the module of `authz` in a VM of its own. */
export const customProgram = (name: string, module: string, program: Uint8Array | undefined): XdsResource =>
  program === undefined ? httpPass(name) : filled(EXTENSION, name, CUSTOM_PLUGIN, [name, module, program]);

/** The ECDS resource of an HTTP filter that has nothing to do. */
export const httpPass = (name: string): XdsResource => filled(EXTENSION, name, HTTP_PASS, [name]);

/** The ECDS resource of a network filter. */
export const tcpProgram = (name: string, module: string, program: Uint8Array | undefined): XdsResource =>
  program === undefined
    ? filled(EXTENSION, name, TCP_PASS, [name])
    : filled(EXTENSION, name, TCP_PLUGIN, [name, module, program]);
