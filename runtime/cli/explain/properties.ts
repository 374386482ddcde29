import { encodeMetadata } from '#host/metadata.ts';
import type { Properties } from '#host/properties.ts';
import type { AuthzRequest } from '#model/authz.ts';
import { authority } from '#envoy/names.ts';

/** What Envoy tells its filters of a request, besides its headers. */
export function propertiesOf({
  principal,
  sourceIp,
  destinationIp,
  destinationPort,
  sni,
  route,
  metadata,
}: AuthzRequest): Properties {
  return {
    'source.address': authority(sourceIp, 0),
    'destination.address': authority(destinationIp, destinationPort),
    ...(principal === undefined ? {} : { 'filter_state.io.istio.peer_principal': principal }),
    ...(sni === undefined ? {} : { 'connection.requested_server_name': sni }),
    ...(route === undefined ? {} : { 'xds.route_name': route }),
    ...(metadata === undefined ? {} : { metadata: encodeMetadata(metadata) }),
  };
}
