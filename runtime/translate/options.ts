/** What a translation cannot learn from resources. */
export interface TranslateOptions {
  readonly trustDomain: string;
  readonly clusterDomain: string;
  /** Names of GatewayClasses that are waypoints, beside every GatewayClass of our controller. */
  readonly gatewayClasses: readonly string[];
  /** Names of GatewayClasses that are ingress gateways. */
  readonly ingressClasses: readonly string[];
  /** Where mesh-wide policies live, unless the mesh configuration says otherwise; and where that is looked for. */
  readonly rootNamespace: string;
  /** Policies for workloads that select a waypoint decide about its tunnels. */
  readonly layeredAuthorization: boolean;
}

export const defaultOptions: TranslateOptions = {
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  gatewayClasses: ['portolan', 'istio-waypoint'],
  ingressClasses: ['portolan-ingress', 'istio'],
  rootNamespace: 'istio-system',
  layeredAuthorization: false,
};

/** A GatewayClass with this controllerName is a waypoint class of ours, whatever it is called. */
export const controllerName = 'portolan.dev/waypoint-controller';
