// The filters that are published, each a folder of filters/ and a module of dist/filters/.
export const FEATURES = ['authz', 'routing', 'fault', 'metrics'];
