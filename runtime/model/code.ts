/**
 * Every code that a finding can carry, with its meaning in one line. A code never changes its sense and is never
 * used again for another; the hundreds are explained at `Finding`.
 */
export const codes = {
  // 10: a text could not be read
  PTL1001: 'a document is not YAML or JSON',
  PTL1002: 'a document names a field twice',
  PTL1003: 'a document is larger or deeper than is read',
  PTL1004: 'a file or folder cannot be read',
  PTL1005: 'a document is not a resource',
  PTL1006: 'resources of a file keep serving while a document of it cannot be read',

  // 11: a resource does not follow its schema
  PTL1101: 'a field does not exist',
  PTL1102: 'a resource has no apiVersion',
  PTL1103: 'a value is of another type than its field',
  PTL1104: 'a value is not allowed in its field',
  PTL1105: 'a required field is missing',
  PTL1106: 'fields do not go together',
  PTL1107: 'values that must differ, or fit together, do not',
  PTL1108: 'the kind or apiVersion of a resource is not known',
  PTL1109: 'a resource without a namespace names one',
  PTL1110: 'a resource has more problems than are listed',
  PTL1111: 'a regular expression is not valid, or too large for Envoy',

  // 12: one resource names another
  PTL1201: 'a waypoint named by istio.io/use-waypoint does not exist or does not serve',
  PTL1202: 'a parentRef or targetRef names a resource that does not exist',
  PTL1203: 'a subset is not defined by any DestinationRule of the host',
  PTL1204: 'a backend names a service that does not exist',
  PTL1205: 'a backend of another namespace is named without a ReferenceGrant',
  PTL1206: 'a service has no virtual address, so a waypoint cannot be asked for it',
  PTL1207: 'an endpoint address is not used, because its namespace does not own it',
  PTL1208: 'an endpoint address belongs to no known pod or workload, so it is reached without mTLS',
  PTL1209: 'a route or policy is attached to a service that no waypoint of ours serves',
  PTL1210: 'the Namespace object of a namespace in use is missing, so it has no labels',
  PTL1211: "a waypoint's allowedRoutes does not admit the namespace",
  PTL1212: 'a waypoint does not serve this kind of traffic (istio.io/waypoint-for)',
  PTL1213: 'a port does not exist on the service',
  PTL1214: 'a backend is of a kind that cannot be routed to',
  PTL1215: 'a service has no endpoint that is ready',
  PTL1216: 'a route may not steer a service of another namespace',
  PTL1217: 'the listeners of a Gateway are not those of a waypoint',
  PTL1218: 'a certificateRef or gateway address cannot be used',

  // 13: authorization
  PTL1301: 'an AuthorizationPolicy is invalid: its targets deny everything until it is corrected',
  PTL1302: 'an AuthorizationPolicy needs what is not supported yet: its targets deny everything',
  PTL1303: 'a policy targets a resource of another namespace, and no ReferenceGrant lets it',
  PTL1304: 'a policy targets a GatewayClass outside the root namespace',
  PTL1305: 'a selector policy with HTTP fields is enforced by ztunnel, which makes it deny',
  PTL1306: 'a selector policy is enforced by ztunnel, not by a waypoint',
  PTL1307: 'an AuthorizationPolicy has HTTP fields, and its target is a TCP port',
  PTL1308: 'an AuthorizationPolicy is a dry run and is not enforced',
  PTL1309: 'a principal is written with spiffe://, so it matches nobody',
  PTL1310: 'the target or selector of a policy is not allowed',
  PTL1311: 'a list of an AuthorizationPolicy is empty, or holds an empty value',
  PTL1312: 'a path template is not valid',
  PTL1313: 'an address or CIDR block is not valid',
  PTL1314: 'a port is not valid',
  PTL1315: 'the key of a condition is not valid',
  PTL1316: 'a "*" in a value is not a wildcard, because it is neither first nor last',
  PTL1317: 'the provider and the action of an AuthorizationPolicy do not go together',
  PTL1318: 'an AuthorizationPolicy without rules never decides anything',
  PTL1319: 'a service account is not valid, or stands beside principals or namespaces',
  PTL1320: 'the provider of a CUSTOM AuthorizationPolicy cannot be asked: what its rules match is denied',
  PTL1321: 'a CUSTOM AuthorizationPolicy is for a TCP port, where nobody can be asked: what its rules match is denied',
  PTL1322: 'a CUSTOM AuthorizationPolicy asks for what action CUSTOM cannot ask for',
  PTL1330: 'a value of an AuthorizationPolicy comes in no request',
  PTL1331: 'a part of a rule of an AuthorizationPolicy matches no request',
  PTL1332: 'a rule of an AuthorizationPolicy matches no request',
  PTL1333: 'a rule of an AuthorizationPolicy decides nothing that others do not decide alike',
  PTL1334: 'a rule of an AuthorizationPolicy allows only what others deny',
  PTL1335: 'a method is written in lower case, so it matches nothing that clients send',
  PTL1336: 'an ALLOW policy allows nothing, so all that it does is to deny',
  PTL1340: 'the pods of a service with policies can be called past its waypoint',
  PTL1341: 'a policy for ztunnel would close a service that is not enrolled, too',
  PTL1342: 'a service selects no pods, so no policy for ztunnel can be made for it',

  // 14: conflict and precedence
  PTL1401: 'an HTTPRoute and a VirtualService steer the same service: the HTTPRoute wins',
  PTL1402: 'a route can never match, because an earlier one is at least as wide',
  PTL1403: 'two VirtualServices steer the same host: the older wins',
  PTL1404: 'two services claim the same address and port: the older wins',
  PTL1405: 'two DestinationRules define the same subset or policy: the older wins',
  PTL1406: 'every backend of a route has weight 0, so it answers 500',
  PTL1410: 'a ServiceEntry claims the host of another service of the waypoint',
  PTL1490: 'a resource is given twice: the first counts',

  // 15: valid, but not supported or only in part
  PTL1501: 'a field is valid but not supported',
  PTL1502: 'a kind of resource is valid but not supported',
  PTL1503: 'the ingress role is translated but not served yet',
  PTL1504: 'the PROXY binding of a waypoint (sandwich) is not served yet',
  PTL1505: 'a kind of parent or target is not supported',
  PTL1506: 'a value is valid but not supported',
  PTL1507: 'kinds of resources that a waypoint does not use',
  PTL1508: 'hosts of a ServiceEntry that are not served yet: its resolution, or a wildcard',
  PTL1509: 'a host of a ServiceEntry shares the addresses of the first',

  // 16: the mesh configuration
  PTL1601: 'the trust domain of the mesh configuration is not ours',
  PTL1602: 'the text of the mesh configuration is not YAML',
  PTL1603: 'a ConfigMap is named like the mesh configuration and is of another namespace',
  PTL1605: 'an authorizer of the mesh configuration cannot be asked',

  // 17: tokens (RequestAuthentication)
  PTL1701: 'the jwks of a RequestAuthentication is not a key set',
  PTL1702: 'a RequestAuthentication names no keys, and OpenID discovery is not supported: its tokens are refused',
  PTL1703: 'a RequestAuthentication is invalid: no token is accepted at its targets until it is corrected',
  PTL1704: 'a selector RequestAuthentication is not enforced by a waypoint',
  PTL1705: 'a RequestAuthentication targets a service with TCP ports, on which there are no tokens',
  PTL1706: 'keys are fetched past the mesh, from a Service of the mesh',
  PTL1707: 'a route asks for claims where no RequestAuthentication finds any',

  // 20: running and Envoy
  PTL2001: 'Envoy refused a part of its configuration: what it held before stays in force',
  PTL2002: 'an update failed as a whole: what was served before keeps serving',

  // 21: certificates
  PTL2101: 'new certificate files do not fit together: the certificate before them stays in use',
  PTL2102: 'a certificate could not be renewed',
} as const;
