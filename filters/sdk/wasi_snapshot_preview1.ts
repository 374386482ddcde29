// The little of WASI that stock Envoy offers to a filter. As with env.ts, asc names the module of the imports
// after this file. Both answer 0 when all is well.

export declare function random_get(buffer: usize, size: u32): u32;
export declare function clock_time_get(clock: u32, precision: u64, u64Out: usize): u32;
