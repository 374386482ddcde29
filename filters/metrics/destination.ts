// Who answered: the endpoint's metadata in Istio's form, with the identity that it must prove as a sixth part:
//
//   reviews-v3;bookinfo;reviews;v3;Kubernetes;spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews

const SEMICOLON: u8 = 0x3b;

export const WORKLOAD: u32 = 0;
export const NAMESPACE: u32 = 1;
export const APP: u32 = 2;
export const VERSION: u32 = 3;
export const CLUSTER: u32 = 4;
export const PRINCIPAL: u32 = 5;
const PARTS: u32 = 6;

/** Where each part begins and its size, both u32. */
const parts: usize = memory.data(48, 8);

/** Finds the parts in an endpoint's metadata; what is not there has size 0. Nothing is copied. */
export function readDestination(metadata: usize, size: u32): void {
  const end = metadata + size;
  let begin = metadata;
  for (let part: u32 = 0; part < PARTS; part++) {
    let stop = begin;
    while (stop < end && load<u8>(stop) != SEMICOLON) stop++;
    store<u32>(parts + part * 8, <u32>begin);
    store<u32>(parts + part * 8, <u32>(stop - begin), 4);
    begin = stop < end ? stop + 1 : end;
  }
}

/** Where a part begins. */
export function partOf(part: u32): usize {
  return <usize>load<u32>(parts + part * 8);
}

/** How many bytes a part has. */
export function partSizeOf(part: u32): u32 {
  return load<u32>(parts + part * 8, 4);
}
