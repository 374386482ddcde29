import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { BytesValueSchema } from '@bufbuild/protobuf/wkt';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { RBACSchema as HttpRbacSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { WasmSchema as HttpWasmSchema } from '#gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.ts';
import { RBACSchema as NetworkRbacSchema } from '#gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import { WasmSchema as NetworkWasmSchema } from '#gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.ts';
import { FailurePolicy, type PluginConfigSchema } from '#gen/envoy/extensions/wasm/v3/wasm_pb.ts';
import { any, encode, extension } from './encode.ts';
import type { Feature } from './names.ts';
import type { XdsResource } from './resource.ts';

const url = (schema: DescMessage): string => `type.googleapis.com/${schema.typeName}`;

/** What a discovered filter may turn out to be: ours, or the pass. */
export const HTTP_TYPES: readonly string[] = [url(HttpWasmSchema), url(HttpRbacSchema)];
export const NETWORK_TYPES: readonly string[] = [url(NetworkWasmSchema), url(NetworkRbacSchema)];

/**
 * The plugin that runs `program`. Each feature has a VM of its own, so that one that traps takes nobody with it; after
 * a trap the next request meets a fresh VM, and none is ever let past the filter.
 */
function plugin(
  feature: Feature,
  rootId: string,
  module: string,
  program: Uint8Array,
): MessageInitShape<typeof PluginConfigSchema> {
  return {
    name: feature,
    rootId,
    vm: {
      case: 'vmConfig',
      value: {
        vmId: `portolan.${rootId}`,
        runtime: 'envoy.wasm.runtime.v8',
        code: { specifier: { case: 'local', value: { specifier: { case: 'filename', value: module } } } },
      },
    },
    configuration: any(BytesValueSchema, { value: program }),
    failurePolicy: FailurePolicy.FAIL_RELOAD,
  };
}

/** The ECDS resource of an HTTP filter. No program: stock RBAC without rules, which lets everything pass and runs no VM. */
export function httpProgram(
  name: string,
  feature: Feature,
  module: string,
  program: Uint8Array | undefined,
): XdsResource {
  const config =
    program === undefined
      ? extension(name, HttpRbacSchema, {})
      : extension(name, HttpWasmSchema, { config: plugin(feature, feature, module, program) });
  return encode(name, TypedExtensionConfigSchema, config);
}

/** The ECDS resource of a network filter. */
export function tcpProgram(name: string, module: string, program: Uint8Array | undefined): XdsResource {
  const config =
    program === undefined
      ? extension(name, NetworkRbacSchema, { statPrefix: 'pass' })
      : extension(name, NetworkWasmSchema, { config: plugin('authz', 'authz', module, program) });
  return encode(name, TypedExtensionConfigSchema, config);
}
